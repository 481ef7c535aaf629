//! The only modules that know Node: they turn JavaScript options into core values and core values into
//! handles, and hold no logic of their own.
