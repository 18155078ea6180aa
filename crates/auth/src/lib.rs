//! Who a caller is: signed tokens, service keys and stream tickets.
