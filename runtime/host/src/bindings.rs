//! What `bindgen!` makes of `wit/`: the only file that calls it. Nothing here leaves `convert` and `release`.
//!
//! The connector world is generated in full; the other worlds share its types, so that a decimal is one Rust type.

/// The connector world, and every shared interface.
pub mod connector {
    wasmtime::component::bindgen!({
        path: [
            "../../wit/types", "../../wit/log", "../../wit/http", "../../wit/kv", "../../wit/connector",
        ],
        world: "truthsource:connector/connector-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

/// What a connector may export besides its world.
pub mod subscriptions {
    wasmtime::component::bindgen!({
        inline: "
            package truthsource:host@1.0.0;
            world subscriptions {
                export truthsource:connector/subscriptions@1.0.0;
            }
        ",
        path: [
            "../../wit/types", "../../wit/log", "../../wit/http", "../../wit/kv", "../../wit/connector",
        ],
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "truthsource:types": super::connector::truthsource::types,
        },
    });
}

/// What a connector may export besides its world, too.
pub mod digests {
    wasmtime::component::bindgen!({
        inline: "
            package truthsource:host@1.0.0;
            world digests {
                export truthsource:connector/digests@1.0.0;
            }
        ",
        path: [
            "../../wit/types", "../../wit/log", "../../wit/http", "../../wit/kv", "../../wit/connector",
        ],
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "truthsource:types": super::connector::truthsource::types,
        },
    });
}

/// The pricing world.
pub mod pricing {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/log", "../../wit/pricing-rule"],
        world: "truthsource:pricing-rule/pricing-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "truthsource:types": super::connector::truthsource::types,
            "truthsource:log": super::connector::truthsource::log,
        },
    });
}

/// The stock world.
pub mod stock {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/log", "../../wit/stock-rule"],
        world: "truthsource:stock-rule/stock-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "truthsource:types": super::connector::truthsource::types,
            "truthsource:log": super::connector::truthsource::log,
        },
    });
}

/// The conflict-policy world.
pub mod policy {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/log", "../../wit/conflict-policy"],
        world: "truthsource:conflict-policy/policy-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "truthsource:types": super::connector::truthsource::types,
            "truthsource:log": super::connector::truthsource::log,
        },
    });
}

/// The validator world.
pub mod validator {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/log", "../../wit/validator"],
        world: "truthsource:validator/validator-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "truthsource:types": super::connector::truthsource::types,
            "truthsource:log": super::connector::truthsource::log,
        },
    });
}

/// The mapping world.
pub mod mapping {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/log", "../../wit/mapping"],
        world: "truthsource:mapping/mapping-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "truthsource:types": super::connector::truthsource::types,
            "truthsource:log": super::connector::truthsource::log,
        },
    });
}
