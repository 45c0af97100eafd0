//! two_instances
