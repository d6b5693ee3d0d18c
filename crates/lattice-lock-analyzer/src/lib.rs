//! What a prompt needs, in microseconds, without I/O.
