//! The export macros: from a type that implements a trait to a component that exports a world.
//!
//! The generated exports hold unsafe code, so each macro opens one private module for them; the crate around it may
//! keep denying it. Only builds for WebAssembly export anything.

/// Exports a [`PricingRule`](crate::PricingRule) as a component.
#[macro_export]
macro_rules! export_pricing_rule {
    ($author:ident) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_component {
            use $crate::bindings::pricing_rule::exports::truthsource::pricing_rule::pricing as wit;
            struct Component;
            impl wit::Guest for Component {
                fn price(basket: wit::Basket) -> Result<Vec<wit::Priced>, wit::Fault> {
                    $crate::glue::price::<super::$author>(basket)
                }
            }
            $crate::bindings::pricing_rule::export!(Component with_types_in $crate::bindings::pricing_rule);
        }
    };
}

/// Exports a [`StockRule`](crate::StockRule) as a component.
#[macro_export]
macro_rules! export_stock_rule {
    ($author:ident) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_component {
            use $crate::bindings::stock_rule::exports::truthsource::stock_rule::stock as wit;
            struct Component;
            impl wit::Guest for Component {
                fn publish(levels: Vec<wit::Level>) -> Result<Vec<wit::Decimal>, wit::Fault> {
                    $crate::glue::publish::<super::$author>(levels)
                }
            }
            $crate::bindings::stock_rule::export!(Component with_types_in $crate::bindings::stock_rule);
        }
    };
}

/// Exports a [`Validator`](crate::Validator) as a component.
#[macro_export]
macro_rules! export_validator {
    ($author:ident) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_component {
            use $crate::bindings::validator::exports::truthsource::validator::validator as wit;
            struct Component;
            impl wit::Guest for Component {
                fn validate(kind: String, records: Vec<Vec<wit::Field>>) -> Result<Vec<wit::Verdict>, wit::Fault> {
                    $crate::glue::validate::<super::$author>(&kind, records)
                }
            }
            $crate::bindings::validator::export!(Component with_types_in $crate::bindings::validator);
        }
    };
}

/// Exports a [`ConflictPolicy`](crate::ConflictPolicy) as a component.
#[macro_export]
macro_rules! export_conflict_policy {
    ($author:ident) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_component {
            use $crate::bindings::conflict_policy::exports::truthsource::conflict_policy::policy as wit;
            struct Component;
            impl wit::Guest for Component {
                fn decide(conflicts: Vec<wit::Conflict>) -> Result<Vec<wit::Decision>, wit::Fault> {
                    $crate::glue::decide::<super::$author>(conflicts)
                }
            }
            $crate::bindings::conflict_policy::export!(Component with_types_in $crate::bindings::conflict_policy);
        }
    };
}

/// Exports a [`Mapping`](crate::Mapping) as a component.
#[macro_export]
macro_rules! export_mapping {
    ($author:ident) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_component {
            use $crate::bindings::mapping::exports::truthsource::mapping::mapping as wit;
            type Record = Vec<wit::Field>;
            struct Component;
            impl wit::Guest for Component {
                fn to_canonical(
                    ctx: wit::Context,
                    kind: String,
                    records: Vec<Record>,
                ) -> Result<Vec<Option<Record>>, wit::Fault> {
                    $crate::glue::to_canonical::<super::$author>(ctx, &kind, records)
                }
                fn from_canonical(
                    ctx: wit::Context,
                    kind: String,
                    records: Vec<Record>,
                ) -> Result<Vec<Record>, wit::Fault> {
                    $crate::glue::from_canonical::<super::$author>(ctx, &kind, records)
                }
            }
            $crate::bindings::mapping::export!(Component with_types_in $crate::bindings::mapping);
        }
    };
}

/// Exports a [`Connector`](crate::Connector) as a component.
#[macro_export]
macro_rules! export_connector {
    ($author:ident) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_component {
            use $crate::bindings::connector::exports::truthsource::connector::connector as wit;
            use $crate::glue;
            type Record = Vec<wit::Field>;
            struct Component;
            impl wit::Guest for Component {
                fn describe(settings: Vec<(String, String)>) -> wit::Description {
                    glue::describe::<super::$author>(settings)
                }
                fn check(ctx: wit::Context) -> Result<Vec<wit::Finding>, wit::Fault> {
                    glue::check::<super::$author>(ctx)
                }
                fn pull(
                    ctx: wit::Context,
                    kind: String,
                    cursor: Option<String>,
                    overlap_ms: u32,
                ) -> Result<wit::Page, wit::Fault> {
                    glue::pull::<super::$author>(ctx, &kind, cursor.as_deref(), overlap_ms)
                }
                fn read(
                    ctx: wit::Context,
                    kind: String,
                    ids: Vec<String>,
                    certain: bool,
                ) -> Result<Vec<wit::Observed>, wit::Fault> {
                    glue::read::<super::$author>(ctx, &kind, &ids, certain)
                }
                fn push(ctx: wit::Context, writes: Vec<wit::Write>) -> Result<Vec<wit::Outcome>, wit::Fault> {
                    glue::push::<super::$author>(ctx, writes)
                }
                fn find(ctx: wit::Context, kind: String, key: String) -> Result<Option<wit::State>, wit::Fault> {
                    glue::find::<super::$author>(ctx, &kind, &key)
                }
                fn receive(ctx: wit::Context, webhook: wit::Webhook) -> Result<Vec<wit::Notice>, wit::Fault> {
                    glue::receive::<super::$author>(ctx, webhook)
                }
                fn project(ctx: wit::Context, kind: String, records: Vec<Record>) -> Result<Vec<Record>, wit::Fault> {
                    glue::project::<super::$author>(ctx, &kind, records)
                }
            }
            $crate::bindings::connector::export!(Component with_types_in $crate::bindings::connector);
        }
    };
}

/// Exports a [`Connector`](crate::Connector) that has [`Subscriptions`](crate::Subscriptions), too.
#[macro_export]
macro_rules! export_subscribing_connector {
    ($author:ident) => {
        $crate::export_connector!($author);

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_subscriptions {
            use $crate::bindings::subscriptions::exports::truthsource::connector::subscriptions as wit;
            use $crate::glue;
            struct Component;
            impl wit::Guest for Component {
                fn ensure(ctx: wit::Context, target: wit::Target) -> Result<wit::Standing, wit::Fault> {
                    glue::ensure::<super::$author>(ctx, target)
                }
                fn remove(ctx: wit::Context, target: wit::Target) -> Result<(), wit::Fault> {
                    glue::remove::<super::$author>(ctx, target)
                }
            }
            $crate::bindings::subscriptions::export!(Component with_types_in $crate::bindings::subscriptions);
        }
    };
}

/// Exports a [`Connector`](crate::Connector) that has [`Digests`](crate::Digests), too.
#[macro_export]
macro_rules! export_summing_connector {
    ($author:ident) => {
        $crate::export_connector!($author);

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        mod truthsource_digests {
            use $crate::bindings::digests::exports::truthsource::connector::digests as wit;
            use $crate::glue;
            struct Component;
            impl wit::Guest for Component {
                fn tell(ctx: wit::Context, kind: String) -> Result<Option<Vec<wit::Told>>, wit::Fault> {
                    glue::tell::<super::$author>(ctx, &kind)
                }
                fn add(
                    ctx: wit::Context,
                    kind: String,
                    records: Vec<wit::Held>,
                ) -> Result<Vec<wit::Digest>, wit::Fault> {
                    glue::add::<super::$author>(ctx, &kind, records)
                }
            }
            $crate::bindings::digests::export!(Component with_types_in $crate::bindings::digests);
        }
    };
}
