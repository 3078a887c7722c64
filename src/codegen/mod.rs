//! Loop nest -> machine code: by `wide` on x86-64, by Cranelift for what that declines and on other machines. The only place that
//! names `cranelift_*` and `iced_x86`, and one of the three with `unsafe`: it owns executable memory and frees it.
//!
//! Cranelift neither vectorizes nor unrolls nor schedules, so the code that it is given is already in lanes and in the order
//! that it should run in; `opt_level=none` keeps that order, and compiles fastest. Cranelift's vectors have 128 bits on every
//! machine.
#![allow(unsafe_code)]

#[cfg(all(target_arch = "x86_64", unix))]
mod arena;
mod emit;
mod helpers;
mod lanes;
mod lint;
mod ops;
mod pressure;
mod rare;
mod reduce;
#[cfg(all(target_arch = "x86_64", unix))]
mod wide;

pub(crate) use emit::Streaming;
pub(crate) use helpers::fence;

use std::mem::ManuallyDrop;
use std::sync::Mutex;

use cranelift_codegen::Context;
use cranelift_codegen::ir::{AbiParam, Function, Signature, UserFuncName, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module};

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::LoopNest;

/// What makes the machine code of a kernel's loops. All give the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The widest vectors that this CPU has, by the backend that has them.
    #[default]
    Auto,
    /// Cranelift: vectors of 128 bits, on every machine.
    Cranelift,
    /// Vectors of 256 bits on x86-64 with AVX2 and FMA. Loops that it does not do are Cranelift's.
    Avx2,
    /// Vectors of 512 bits on x86-64 with AVX-512 F, BW, DQ and VL. Loops that it does not do are Cranelift's.
    Avx512,
}

impl Backend {
    /// Every backend that this machine can run, narrow vectors first.
    ///
    /// ```
    /// use elide::Backend;
    ///
    /// assert!(Backend::available().contains(&Backend::Cranelift));
    /// ```
    pub fn available() -> Vec<Backend> {
        [Backend::Cranelift, Backend::Avx2, Backend::Avx512].into_iter().filter(|b| b.is_available()).collect()
    }

    /// True if this machine can run its code.
    pub fn is_available(self) -> bool {
        match self {
            Backend::Auto | Backend::Cranelift => true,
            #[cfg(all(target_arch = "x86_64", unix))]
            Backend::Avx2 => wide::Isa::Avx2.is_available(),
            #[cfg(all(target_arch = "x86_64", unix))]
            Backend::Avx512 => wide::Isa::Avx512.is_available(),
            #[cfg(not(all(target_arch = "x86_64", unix)))]
            Backend::Avx2 | Backend::Avx512 => false,
        }
    }

    /// The lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Backend::Auto => "auto",
            Backend::Cranelift => "cranelift",
            Backend::Avx2 => "avx2",
            Backend::Avx512 => "avx512",
        }
    }

    /// What `Auto` stands for on this machine.
    pub(crate) fn resolve(self) -> Backend {
        match self {
            Backend::Auto => Backend::available().pop().unwrap_or(Backend::Cranelift),
            other => other,
        }
    }

    /// Bytes of its vectors.
    pub(crate) fn vector_bytes(self) -> usize {
        match self.resolve() {
            Backend::Avx512 => 64,
            Backend::Avx2 => 32,
            _ => 16,
        }
    }

    #[cfg(all(target_arch = "x86_64", unix))]
    fn isa(self) -> Option<wide::Isa> {
        match self.resolve() {
            Backend::Avx2 => Some(wide::Isa::Avx2),
            Backend::Avx512 => Some(wide::Isa::Avx512),
            _ => None,
        }
    }
}

/// The compiled code of a loop nest. It may be called with an array of arguments for that nest, all accesses of which stay
/// inside memory that the caller may use as the nest does, while the [`Code`] it belongs to lives.
pub(crate) type Entry = unsafe extern "C" fn(*const i64);

/// Compiled code of one loop nest; its memory lives as long as this value.
pub(crate) struct Code {
    /// Takes the argument array, each word 64 bits: the nest's addresses, its sizes, the address of the table, and the two
    /// words of `Streaming`.
    entry: Entry,
    /// Constants that the code reads.
    table: Box<[u128]>,
    /// Owns the executable memory.
    _memory: Memory,
}

enum Memory {
    Cranelift(#[expect(dead_code, reason = "its memory is what it is kept for")] Box<Kept>),
    #[cfg(all(target_arch = "x86_64", unix))]
    Pages(#[expect(dead_code, reason = "as above")] arena::Block),
}

/// Cranelift's memory. The mutex is never contended: it makes the module, which is `Send`, `Sync` as well.
struct Kept(ManuallyDrop<Mutex<JITModule>>);

impl Code {
    /// The argument after the sizes.
    pub fn table(&self) -> i64 {
        self.table.as_ptr() as i64
    }

    /// Where the code starts.
    pub fn entry(&self) -> Entry {
        self.entry
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: the module is taken once, here; it is dropped with its `Code`, whose entry is private, and callers of `entry()`
        // hold a borrow or an `Arc` of that while they run, so no code of the module is running or will run.
        unsafe {
            let module = ManuallyDrop::take(&mut self.0);
            let module = module.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
            module.free_memory();
        }
    }
}

/// The machine that code is generated for: the one this runs on.
#[derive(Clone)]
pub(crate) struct Target {
    isa: OwnedTargetIsa,
}

/// The text forms of generated code.
pub(crate) struct Listing {
    /// Cranelift's intermediate form.
    pub clif: String,
    /// Instructions after register allocation.
    pub asm: String,
    /// Who made them.
    pub backend: Backend,
}

fn refused(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Codegen, format!("the code generator refused a loop nest: {what}"))
}

impl Target {
    /// The machine this runs on.
    ///
    /// # Errors
    /// If Cranelift has no backend for it, or it lacks fused multiply-add, without which results would not be the same.
    pub fn host() -> Result<Target> {
        let mut flags = settings::builder();
        for (name, value) in [
            ("opt_level", "none"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("unwind_info", "false"),
            ("enable_probestack", "true"),
            ("probestack_strategy", "inline"),
        ] {
            flags.set(name, value).map_err(refused)?;
        }
        let unsupported = |why: String| Error::new(ErrorKind::Codegen, why);
        let builder = cranelift_native::builder().map_err(|e| unsupported(format!("no code generator for this machine: {e}")))?;
        let isa = builder.finish(settings::Flags::new(flags)).map_err(refused)?;
        let architecture = isa.triple().architecture;
        if !matches!(architecture, target_lexicon::Architecture::X86_64 | target_lexicon::Architecture::Aarch64(_)) {
            return Err(unsupported(format!("elide generates code for x86-64 and aarch64, not for {architecture}")));
        }
        if architecture == target_lexicon::Architecture::X86_64 {
            let has = |name: &str| isa.isa_flags().iter().any(|f| f.name == name && f.as_bool() == Some(true));
            if !(has("has_avx") && has("has_fma") && has("has_sse41")) {
                return Err(unsupported("elide needs an x86-64 CPU with AVX and FMA (any since 2013)".into()));
            }
        }
        Ok(Target { isa })
    }

    /// Compiles a verified nest.
    ///
    /// # Errors
    /// If the code generator or the memory system refuses.
    pub fn compile(&self, nest: &LoopNest, backend: Backend) -> Result<Code> {
        #[cfg(all(target_arch = "x86_64", unix))]
        if let Some(code) = backend.isa().and_then(|isa| wide::compile(nest, isa, false)) {
            let pages = arena::Block::new(&code.bytes)?;
            // SAFETY: the code begins there, takes one pointer and returns nothing, by the C convention of this machine, and stays
            // there until `Code` is dropped.
            let entry = unsafe { std::mem::transmute::<*const u8, Entry>(pages.address().add(code.entry)) };
            return Ok(Code { entry, table: Box::default(), _memory: Memory::Pages(pages) });
        }
        let _ = backend;
        let mut builder = FunctionBuilderContext::new();
        let mut ctx = Context::new();
        let table = self.build(nest, &mut ctx.func, &mut builder)?;
        let names = cranelift_module::default_libcall_names();
        let mut module = JITModule::new(JITBuilder::with_isa(self.isa.clone(), names));
        let id = module.declare_function("nest", Linkage::Local, &ctx.func.signature).map_err(refused)?;
        module.define_function(id, &mut ctx).map_err(|e| refused(format!("{e:?}")))?;
        module.finalize_definitions().map_err(refused)?;
        let address = module.get_finalized_function(id);
        // SAFETY: `address` is the start of a function that was just defined with exactly this signature (one pointer, no
        // result, the machine's C convention), in memory that lives until `Code` is dropped.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(address) };
        Ok(Code { entry, table, _memory: Memory::Cranelift(Box::new(Kept(ManuallyDrop::new(Mutex::new(module))))) })
    }

    /// The text forms of what `compile` would make.
    ///
    /// # Errors
    /// As for `compile`.
    pub fn listing(&self, nest: &LoopNest, backend: Backend) -> Result<Listing> {
        let mut builder = FunctionBuilderContext::new();
        let mut ctx = Context::new();
        let _table = self.build(nest, &mut ctx.func, &mut builder)?;
        let clif = ctx.func.display().to_string();
        ctx.set_disasm(true);
        let compiled = ctx.compile(&*self.isa, &mut Default::default()).map_err(|e| refused(format!("{:?}", e.inner)))?;
        #[cfg(all(target_arch = "x86_64", unix))]
        if let Some(code) = backend.isa().and_then(|isa| wide::compile(nest, isa, true)) {
            return Ok(Listing { clif, asm: code.text, backend: backend.resolve() });
        }
        let _ = backend;
        let asm = compiled.vcode.clone().unwrap_or_default();
        Ok(Listing { clif, asm, backend: Backend::Cranelift })
    }

    /// Fills `func`; returns the table of constants.
    fn build(&self, nest: &LoopNest, func: &mut Function, builder: &mut FunctionBuilderContext) -> Result<Box<[u128]>> {
        let call_conv = self.isa.default_call_conv();
        let expanded = crate::kernel::expanded_halves(nest);
        let nest = expanded.as_ref().unwrap_or(nest);
        *func = Function::with_name_signature(UserFuncName::default(), Signature::new(call_conv));
        func.signature.params.push(AbiParam::new(types::I64));
        let emitter = emit::Emitter::new(FunctionBuilder::new(func, builder), nest, call_conv);
        let (b, constants) = emitter.run();
        b.finalize(self.isa.frontend_config());
        if cfg!(debug_assertions) {
            lint::lint(func).map_err(refused)?;
        }
        Ok(constants.words.into_boxed_slice())
    }
}
