//! Who a model call is for.
