//! Reads a component without running or compiling any of it.

use wasmparser::{
    ComponentExternalKind, FuncValidatorAllocations, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};
use wasmtime::Engine;

use super::error::UploadError;
use super::manifest::{BadManifest, Manifest, SECTION};
use crate::digest::Digest;
use crate::wasi;
use crate::world::World;

/// What an upload may look like. Real components are far below; what is above is made to hurt the compiler, whose
/// time grows faster than the input (105 KiB of nested blocks took 2.4 s).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// The largest rule, in bytes: a Rust rule has 40 KiB, one in JavaScript 1 MiB.
    pub rule_bytes_max: usize,
    /// The largest connector, in bytes.
    pub connector_bytes_max: usize,
    /// Functions of all its modules together.
    pub functions_max: u64,
    /// The largest body of a function of a rule, in bytes.
    pub rule_body_bytes_max: u64,
    /// The same for a connector. An interpreter's main loop (JavaScript, Python guests) is one function of this size.
    pub connector_body_bytes_max: u64,
    /// How deep blocks may nest.
    pub nesting_max: u64,
    /// Types of all its modules and components together.
    pub types_max: u64,
    /// Its modules and nested components together: a Rust component has about ten.
    pub parts_max: u64,
    /// Its sections together.
    pub sections_max: u64,
}

impl UploadLimits {
    /// The limits a tenant has without a grant.
    pub const USUAL: Self = Self {
        rule_bytes_max: 2 << 20,
        connector_bytes_max: 8 << 20,
        functions_max: 20_000,
        rule_body_bytes_max: 128 << 10,
        connector_body_bytes_max: 512 << 10,
        nesting_max: 512,
        types_max: 10_000,
        parts_max: 256,
        sections_max: 10_000,
    };

    fn bytes_max(&self, world: World) -> usize {
        if world == World::Connector { self.connector_bytes_max } else { self.rule_bytes_max }
    }
}

/// What is known about a component before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// Its name.
    pub digest: Digest,
    /// What it is for.
    pub world: World,
    /// What its author says about it.
    pub manifest: Manifest,
    /// The interfaces it imports, with versions, as far as they can reach something.
    pub imports: Vec<String>,
}

/// The proposals of WebAssembly 2.0 and what its toolchains emit by default; the engines have the rest off, too.
fn features() -> WasmFeatures {
    WasmFeatures::WASM2
        .union(WasmFeatures::EXTENDED_CONST)
        .union(WasmFeatures::BULK_MEMORY_OPT)
        .union(WasmFeatures::TAIL_CALL)
        .union(WasmFeatures::CALL_INDIRECT_OVERLONG)
        .union(WasmFeatures::COMPONENT_MODEL)
        .difference(WasmFeatures::GC_TYPES)
}

/// Checks everything that can be checked by reading.
///
/// # Errors
/// The first thing wrong with it.
pub fn inspect(bytes: &[u8], limits: &UploadLimits) -> Result<Inspected, UploadError> {
    let most = limits.rule_bytes_max.max(limits.connector_bytes_max);
    size(bytes, most)?;
    layer(bytes)?;
    let outline = Walk::new(limits).run(bytes)?;
    let world = world_of(&outline.exports)?;
    size(bytes, limits.bytes_max(world))?;
    if world != World::Connector {
        at_most("bytes in one function", outline.largest_body, limits.rule_body_bytes_max)?;
    }
    let refused: Vec<String> = outline.imports.iter().filter(|it| !may_import(world, it)).cloned().collect();
    if !refused.is_empty() {
        return Err(UploadError::Imports { world, imports: refused });
    }
    let manifest = manifest_of(&outline)?;
    if manifest.world != world {
        return Err(UploadError::OtherWorld { says: manifest.world, is: world });
    }
    Ok(Inspected { digest: Digest::of(bytes), world, manifest, imports: outline.imports })
}

fn size(bytes: &[u8], bytes_max: usize) -> Result<(), UploadError> {
    if bytes.len() <= bytes_max {
        return Ok(());
    }
    Err(UploadError::TooLarge { bytes: bytes.len(), bytes_max })
}

/// Tells components from everything that looks a little like one.
fn layer(bytes: &[u8]) -> Result<(), UploadError> {
    const NATIVE: [&[u8]; 5] = [b"\x7fELF", b"MZ", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"];
    if Engine::detect_precompiled(bytes).is_some() || NATIVE.iter().any(|magic| bytes.starts_with(magic)) {
        return Err(UploadError::Native);
    }
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', _, _, 0, 0]) => Err(UploadError::CoreModule),
        _ => Err(UploadError::NotWasm),
    }
}

fn at_most(what: &'static str, count: u64, max: u64) -> Result<(), UploadError> {
    if count <= max { Ok(()) } else { Err(UploadError::TooMany { what, count, max }) }
}

fn invalid(error: &wasmparser::BinaryReaderError) -> UploadError {
    UploadError::Invalid { offset: error.offset(), reason: error.message().chars().take(500).collect() }
}

/// What one pass over the bytes finds.
#[derive(Default)]
struct Outline {
    imports: Vec<String>,
    exports: Vec<String>,
    /// Manifests of the component itself, and of its modules and nested components.
    own: Vec<Vec<u8>>,
    nested: Vec<Vec<u8>>,
    largest_body: u64,
}

struct Walk<'a> {
    limits: &'a UploadLimits,
    outline: Outline,
    depth: u64,
    functions: u64,
    types: u64,
    parts: u64,
    sections: u64,
}

impl<'a> Walk<'a> {
    fn new(limits: &'a UploadLimits) -> Self {
        Self { limits, outline: Outline::default(), depth: 0, functions: 0, types: 0, parts: 0, sections: 0 }
    }

    fn run(mut self, bytes: &[u8]) -> Result<Outline, UploadError> {
        let mut validator = Validator::new_with_features(features());
        let mut allocations = FuncValidatorAllocations::default();
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(|error| invalid(&error))?;
            // Counted before it is validated: the validator's own time is what some bombs aim at.
            self.count(&payload)?;
            if let ValidPayload::Func(function, body) = validator.payload(&payload).map_err(|error| invalid(&error))? {
                let mut function = function.into_validator(allocations);
                self.body(&mut function, &body)?;
                allocations = function.into_allocations();
            }
        }
        Ok(self.outline)
    }

    fn count(&mut self, payload: &Payload<'_>) -> Result<(), UploadError> {
        if !matches!(payload, Payload::CodeSectionEntry(_)) {
            self.sections += 1;
            at_most("sections", self.sections, self.limits.sections_max)?;
        }
        match payload {
            Payload::Version { .. } => {
                self.depth += 1;
                self.parts += 1;
                at_most("modules and nested components", self.parts, self.limits.parts_max)
            }
            Payload::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Ok(())
            }
            Payload::FunctionSection(it) => self.functions(it.count()),
            Payload::ComponentCanonicalSection(it) => self.functions(it.count()),
            Payload::TypeSection(it) => self.types(it.count()),
            Payload::CoreTypeSection(it) => self.types(it.count()),
            Payload::ComponentTypeSection(it) => self.types(it.count()),
            Payload::InstanceSection(it) => self.types(it.count()),
            Payload::ComponentInstanceSection(it) => self.types(it.count()),
            Payload::ComponentAliasSection(it) => self.types(it.count()),
            Payload::CodeSectionEntry(body) => {
                let bytes = body.range().end.saturating_sub(body.range().start);
                self.outline.largest_body = self.outline.largest_body.max(bytes);
                at_most("bytes in one function", bytes, self.limits.connector_body_bytes_max)
            }
            Payload::CustomSection(it) if it.name() == SECTION => {
                let found = if self.depth == 1 { &mut self.outline.own } else { &mut self.outline.nested };
                found.push(it.data().to_vec());
                Ok(())
            }
            Payload::ComponentImportSection(it) if self.depth == 1 => self.imports(it.clone()),
            Payload::ComponentExportSection(it) if self.depth == 1 => self.exports(it.clone()),
            _ => Ok(()),
        }
    }

    fn functions(&mut self, more: u32) -> Result<(), UploadError> {
        self.functions += u64::from(more);
        at_most("functions", self.functions, self.limits.functions_max)
    }

    fn types(&mut self, more: u32) -> Result<(), UploadError> {
        self.types += u64::from(more);
        at_most("types, instances and aliases", self.types, self.limits.types_max)
    }

    fn imports(&mut self, section: wasmparser::ComponentImportSectionReader<'_>) -> Result<(), UploadError> {
        for import in section {
            self.outline.imports.push(import.map_err(|error| invalid(&error))?.name.name.to_owned());
        }
        Ok(())
    }

    fn exports(&mut self, section: wasmparser::ComponentExportSectionReader<'_>) -> Result<(), UploadError> {
        for export in section {
            let export = export.map_err(|error| invalid(&error))?;
            if export.kind == ComponentExternalKind::Instance {
                self.outline.exports.push(export.name.name.to_owned());
            }
        }
        Ok(())
    }

    fn body<T: wasmparser::WasmModuleResources>(
        &self,
        function: &mut wasmparser::FuncValidator<T>,
        body: &wasmparser::FunctionBody<'_>,
    ) -> Result<(), UploadError> {
        let mut reader = body.get_binary_reader();
        function.read_locals(&mut reader).map_err(|error| invalid(&error))?;
        reader.set_features(features());
        let mut operators = wasmparser::OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset().map_err(|error| invalid(&error))?;
            function.op(offset, &operator).map_err(|error| invalid(&error))?;
            at_most("nested blocks", u64::from(function.control_stack_height()), self.limits.nesting_max)?;
        }
        operators.finish().map_err(|error| invalid(&error))
    }
}

fn world_of(exports: &[String]) -> Result<World, UploadError> {
    let mut found = None;
    for world in World::ALL {
        let exported = exports.iter().any(|it| is_version(it, world.export(), "1."));
        match (exported, found) {
            (true, Some(other)) => return Err(UploadError::SeveralWorlds(other, world)),
            (true, None) => found = Some(world),
            (false, _) => {}
        }
    }
    found.ok_or_else(|| UploadError::NoWorld { exports: exports.iter().take(20).cloned().collect() })
}

/// `name` is `interface` at a version that starts with `version`.
fn is_version(name: &str, interface: &str, version: &str) -> bool {
    name.strip_prefix(interface).and_then(|it| it.strip_prefix('@')).is_some_and(|it| it.starts_with(version))
}

/// What a component of `world` may name. Interfaces of the connector world that hold only types count, too.
fn may_import(world: World, import: &str) -> bool {
    const EVERYWHERE: [&str; 2] = ["truthsource:types/records", "truthsource:log/logger"];
    const CONNECTOR: [&str; 4] = [
        "truthsource:connector/powers",
        "truthsource:connector/data",
        "truthsource:http/client",
        "truthsource:kv/store",
    ];
    let own: &[&str] = if world == World::Connector { &CONNECTOR } else { &[] };
    EVERYWHERE.iter().chain(own).any(|it| is_version(import, it, "1."))
        || wasi::INTERFACES.iter().any(|it| is_version(import, it, "0.2."))
}

/// The component's own manifest; else the only one of its parts, which is where a linker puts a Rust static.
fn manifest_of(outline: &Outline) -> Result<Manifest, UploadError> {
    let found = if outline.own.is_empty() { &outline.nested } else { &outline.own };
    match found.as_slice() {
        [] => Err(BadManifest::Missing.into()),
        [one] => Ok(Manifest::parse(one)?),
        _ => Err(BadManifest::Twice.into()),
    }
}
