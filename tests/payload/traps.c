/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way into EL2 that a guest has: calls, waits, system registers, aborts. What a guest may not
 * do comes back as an exception of its own, and the next instruction runs.
 */
#include "guests/abi/domu.h"
#include "guests/abi/hypercall.h"
#include "guests/lib/gic.h"
#include "guests/lib/payload.h"
#include "guests/lib/timer.h"
#include "platform/mmio.h"

/* An address that no machine we run on has anything at: a hole between devices and memory. */
#define HOLE 0x3ff00000ul

#define try_read(name)         CATCH((void)sysreg_read(name))
#define try_write(name, value) CATCH(sysreg_write(name, value))

static void check_undef(struct caught caught)
{
    check_equal(caught.count, 1);
    check_equal(CAUGHT_EC(caught), EC_UNKNOWN);
}

static void test_svc_and_brk_stay_here(void)
{
    struct caught caught = CATCH(__asm__ volatile("svc #7"));
    check_equal(caught.count, 1);
    check_equal(CAUGHT_EC(caught), EC_SVC64);
    check_equal(caught.esr & 0xffff, 7);
    caught = CATCH(__asm__ volatile("brk #5"));
    check_equal(caught.count, 1);
    check_equal(CAUGHT_EC(caught), EC_BRK);
    caught = CATCH(__asm__ volatile(".inst 0"));
    check_undef(caught);
}

static void test_hvc_known(void)
{
    check(hvc(PSCI_VERSION, 0, 0, 0) >= 0x10000);
    struct smccc call = {.x = {PSCI_VERSION, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}};
    hvc_call(&call);
    for (unsigned i = 4; i < 11; i++)
        check_equal(call.x[i], i); /* SMCCC 1.1: x4.. are preserved */
}

static void test_hvc_unknown(void)
{
    static const uint32_t functions[] = {
        0x00000000, 0x12345678, 0x80000002, 0x81000000, 0x82000000, 0x83000000, 0x8400001f,
        0x84000020, 0x84000100, 0x8400ffff, 0x85000000, 0x86000000, 0xb2000000, 0xbfffffff,
        0xc4000000, 0xc6000001, 0xc600000f, 0xc6000024, 0xc600ffff, 0xff000000, 0xffffffff,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
        struct smccc call = {.x = {functions[i], ~0ul, ~0ul, ~0ul}};
        hvc_call(&call);
        if (call.x[0] != UINT64_MAX && call.x[0] != UINT32_MAX)
            fail_at(__FILE__, __LINE__, "function 0x%x answered 0x%lx", functions[i], call.x[0]);
    }
}

/* The immediate of HVC is not part of the convention; nothing may hang on it. */
static void test_hvc_immediate(void)
{
    register uint64_t x0 __asm__("x0") = PSCI_VERSION;
    __asm__ volatile("hvc #0x1234" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    check(x0 >= 0x10000);
}

static void test_smc(void)
{
    register uint64_t x0 __asm__("x0") = PSCI_VERSION;
    __asm__ volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    check_equal(x0, (uint64_t)hvc(PSCI_VERSION, 0, 0, 0));
    x0 = 0x12345678;
    __asm__ volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
    check_equal((uint32_t)x0, UINT32_MAX);
}

static void test_wfe_and_wfi_come_back(void)
{
    uint64_t start = counter();
    sev();
    for (unsigned i = 0; i < 10; i++) {
        sev();
        wfe();
    }
    /* WFI with an interrupt pending, although masked: does not sleep */
    irq_disable();
    gic_sgi(1, BIT32(this_cpu()));
    for (unsigned i = 0; i < 10; i++)
        wfi();
    irq_enable();
    check(counter() - start < us_to_ticks(1000000));
}

static void test_id_registers_hide(void)
{
    uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
    uint64_t dfr0 = sysreg_read(id_aa64dfr0_el1), mmfr1 = sysreg_read(id_aa64mmfr1_el1);
    uint64_t pmuver = FIELD(dfr0, 11, 8);
    check_equal(FIELD(pfr0, 35, 32), 0);       /* SVE */
    check_equal(FIELD(pfr0, 11, 8), 0);        /* EL2 */
    check_equal(FIELD(pfr0, 47, 44), 0);       /* AMU */
    check_equal(FIELD(pfr1, 11, 8), 0);        /* MTE */
    check_equal(FIELD(pfr1, 27, 24), 0);       /* SME */
    check(pmuver == 0 || pmuver == 15);        /* PMU */
    check_equal(FIELD(dfr0, 35, 32), 0);       /* SPE */
    check_equal(FIELD(mmfr1, 11, 8), 0);       /* VHE */
    check_equal(sysreg_read(S3_0_C0_C4_4), 0); /* ID_AA64ZFR0_EL1 */
    check(FIELD(pfr0, 19, 16) != 15);          /* FP is there */
    check_equal(FIELD(pfr0, 7, 4) != 0, true); /* EL1 */
    check(sysreg_read(midr_el1) != 0);
    check_equal(sysreg_read(mpidr_el1) & 0xff00ffffff, this_cpu());
}

/* The whole space of ID registers, unallocated ones included, reads without an exception. */
static void test_id_space_reads(void)
{
#define READ_EIGHT(crm)                                                                            \
    (void)sysreg_read(S3_0_C0_C##crm##_0), (void)sysreg_read(S3_0_C0_C##crm##_1),                  \
        (void)sysreg_read(S3_0_C0_C##crm##_2), (void)sysreg_read(S3_0_C0_C##crm##_3),              \
        (void)sysreg_read(S3_0_C0_C##crm##_4), (void)sysreg_read(S3_0_C0_C##crm##_5),              \
        (void)sysreg_read(S3_0_C0_C##crm##_6), (void)sysreg_read(S3_0_C0_C##crm##_7)
    struct caught caught = CATCH((READ_EIGHT(1), READ_EIGHT(2), READ_EIGHT(3), READ_EIGHT(4),
                                  READ_EIGHT(5), READ_EIGHT(6), READ_EIGHT(7)));
    check_equal(caught.count, 0);
}

/* CPACR_EL1 is told to allow SVE and SME: what says no is the hypervisor. */
static void test_absent_features_are_undefined(void)
{
    uint64_t cpacr = sysreg_read(cpacr_el1);
    sysreg_write(cpacr_el1, cpacr | 3ul << 16 | 3ul << 24);
    isb();
    check_undef(try_read(S3_0_C1_C2_0));                      /* ZCR_EL1 (SVE) */
    check_undef(try_read(S3_0_C1_C2_6));                      /* SMCR_EL1 (SME) */
    check_undef(try_read(S3_0_C5_C6_0));                      /* TFSR_EL1 (MTE) */
    check_undef(try_write(S3_0_C1_C0_6, 0));                  /* GCR_EL1 (MTE) */
    check_undef(CATCH(__asm__ volatile(".inst 0x04bf5000"))); /* rdvl x0, #0 */
    check_undef(try_read(S3_0_C5_C3_0));                      /* ERRIDR_EL1 (RAS) */
    check_undef(try_write(S3_0_C5_C3_1, 0));                  /* ERRSELR_EL1 (RAS) */
    check_undef(try_write(S3_0_C10_C4_0, 0));                 /* LORSA_EL1 */
    check_undef(try_read(S3_0_C10_C4_7));                     /* LORID_EL1 */
    check_undef(try_read(S3_4_C1_C1_0));                      /* HCR_EL2 */
    check_undef(try_write(S3_4_C2_C1_0, 0));                  /* VTTBR_EL2 */
}

static void test_pmu_is_undefined(void)
{
    check_undef(try_read(pmcr_el0));
    check_undef(try_write(pmcr_el0, 1));
    check_undef(try_read(pmccntr_el0));
    check_undef(try_write(pmcntenset_el0, 1));
    check_undef(try_read(pmceid0_el0));
    check_undef(try_write(pmintenset_el1, 1));
    check_undef(try_write(pmuserenr_el0, 1));
    check_undef(try_read(S3_3_C14_C8_0)); /* PMEVCNTR0_EL0 */
}

/* Absent or harmless, as the hypervisor likes; never a hang, never the machine's own state. */
static void test_debug_registers_are_harmless(void)
{
    CATCH(sysreg_write(oslar_el1, 0));
    CATCH(sysreg_write(dbgbvr0_el1, 0x1234));
    CATCH(sysreg_write(dbgbcr0_el1, 0x1ff));
    CATCH(sysreg_write(dbgwcr0_el1, 0x1fff));
    struct caught caught = try_read(mdscr_el1);
    check(caught.count == 0 || CAUGHT_EC(caught) == EC_UNKNOWN);
    CATCH(sysreg_write(osdlr_el1, 1));
    CATCH((void)sysreg_read(S2_0_C1_C0_0)); /* MDRAR_EL1 */
    CATCH(sysreg_write(dbgbcr0_el1, 0));
    CATCH(sysreg_write(dbgwcr0_el1, 0));
    CATCH(sysreg_write(osdlr_el1, 0));
    check(counter() != 0);
}

static void test_actlr(void)
{
    struct caught caught = CATCH({
        sysreg_write(actlr_el1, 0);
        (void)sysreg_read(actlr_el1);
    });
    check_equal(caught.count, 0);
}

/* Implementation-defined registers: absent for a guest. */
static void test_implementation_defined(void)
{
    struct caught caught = try_read(S3_1_C15_C2_1); /* CPUECTLR_EL1 on Cortex-A5x */
    check(caught.count == 0 || CAUGHT_EC(caught) == EC_UNKNOWN);
    caught = try_write(S3_1_C15_C2_1, 0x40);
    check(caught.count == 0 || CAUGHT_EC(caught) == EC_UNKNOWN);
    caught = try_write(S3_0_C15_C2_3, 1);
    check(caught.count == 0 || CAUGHT_EC(caught) == EC_UNKNOWN);
}

static void check_external(struct caught caught, unsigned ec, uint64_t far)
{
    check_equal(caught.count, 1);
    check_equal(CAUGHT_EC(caught), ec);
    check_equal(FSC(caught), FSC_EXTERNAL);
    check_equal(caught.far, far);
}

static void test_unmapped_read_and_write(void)
{
    uint64_t value = 0x1234;
    check_external(CATCH(value = mmio_read32((void *)HOLE)), EC_DABT_SAME, HOLE);
    check_external(CATCH(mmio_write32((void *)(HOLE + 4), 1)), EC_DABT_SAME, HOLE + 4);
    check_external(CATCH(mmio_write8((void *)(HOLE + 0xfff), 1)), EC_DABT_SAME, HOLE + 0xfff);
    check_external(CATCH(value = mmio_read64((void *)HOLE)), EC_DABT_SAME, HOLE);
    (void)value;
}

/* The last GiB of the map, beyond all memory; and through Normal memory attributes. */
static void test_unmapped_far_away(void)
{
    uint64_t far = 250ul << 30;
    check_external(CATCH((void)mmio_read32((void *)far)), EC_DABT_SAME, far);
    mmu_map_gib(far, true);
    check_external(CATCH((void)mmio_read32((void *)far)), EC_DABT_SAME, far);
    mmu_map_gib(far, false);
}

static void test_unmapped_fetch(void)
{
    void (*function)(void) = (void (*)(void))HOLE;
    check_external(CATCH(function()), EC_IABT_SAME, HOLE);
}

/* No valid syndrome: the hypervisor decodes or refuses, and goes on. */
static void check_refused(const char *what, struct caught caught)
{
    if (caught.count > 1 || (caught.count == 1 && CAUGHT_EC(caught) != EC_DABT_SAME))
        fail_at(__FILE__, __LINE__, "%s: %u exceptions, ESR 0x%lx", what, caught.count, caught.esr);
}

#define MMIO_ASM(text, where)                                                                      \
    check_refused(text, CATCH(__asm__ volatile("mov x9, %0\n\t" text                               \
                                               :                                                   \
                                               : "r"(where)                                        \
                                               : "x9", "x10", "x11", "memory")))

static void odd_accesses(uint64_t where)
{
    MMIO_ASM("ldp w10, w11, [x9]", where);
    MMIO_ASM("ldp x10, x11, [x9]", where);
    MMIO_ASM("stp wzr, wzr, [x9]", where);
    MMIO_ASM("ldr q0, [x9]", where);
    MMIO_ASM("str q0, [x9]", where);
    MMIO_ASM("ldr d0, [x9]", where);
    MMIO_ASM("ld1 {v0.4s}, [x9]", where);
    MMIO_ASM("ldr w10, [x9], #4", where);
    MMIO_ASM("str wzr, [x9, #4]!", where);
    MMIO_ASM("ldxr w10, [x9]", where);
    MMIO_ASM("ldaxr x10, [x9]", where);
    MMIO_ASM("ldar w10, [x9]", where);
    MMIO_ASM("stlr wzr, [x9]", where);
    MMIO_ASM("prfm pldl1keep, [x9]", where);
    MMIO_ASM("dc civac, x9", where);
    MMIO_ASM("dc ivac, x9", where);
    MMIO_ASM("dc cvac, x9", where);
    MMIO_ASM("ic ivau, x9", where);
}

static void atomic_accesses(uint64_t where)
{
    if (FIELD(sysreg_read(id_aa64isar0_el1), 23, 20) == 0)
        return; /* no LSE */
    MMIO_ASM(".arch_extension lse\n\tldadd wzr, w10, [x9]", where);
    MMIO_ASM(".arch_extension lse\n\tswp xzr, x10, [x9]", where);
    MMIO_ASM(".arch_extension lse\n\tcas w10, w11, [x9]", where);
    MMIO_ASM(".arch_extension lse\n\tstset wzr, [x9]", where);
}

static void test_odd_accesses_to_emulated_device(void)
{
    odd_accesses(DOMU_GICD_BASE);
    odd_accesses(DOMU_GICD_BASE + GICD_IPRIORITYR);
    atomic_accesses(DOMU_GICD_BASE + GICD_IPRIORITYR);
    gic_init();
}

static void test_odd_accesses_to_hole(void)
{
    odd_accesses(HOLE);
    atomic_accesses(HOLE);
}

static void test_abort_is_precise(void)
{
    uint64_t x10, x11;
    struct caught caught = CATCH(__asm__ volatile("mov x10, #10\n\tmov x11, #11\n\t"
                                                  "ldp x10, x11, [%2]\n\t"
                                                  "mov %0, x10\n\tmov %1, x11"
                                                  : "=&r"(x10), "=&r"(x11)
                                                  : "r"(HOLE)
                                                  : "x10", "x11", "memory"));
    check_equal(caught.count, 1);
    check_equal(x10, 10); /* registers are untouched by an instruction that failed */
    check_equal(x11, 11);
}

/* Loads of every width and extension from a register with a known value. */
static void test_load_widths(void)
{
    char *where = (char *)DOMU_GICD_BASE + GICD_IPRIORITYR + 80;
    uint64_t value;
    mmio_write32(where, 0xa0a8b0f0);
#define LOAD(instruction, size)                                                                    \
    ({                                                                                             \
        __asm__ volatile("mov %0, #-1\n\t" instruction : "=&r"(value) : "r"(where) : "memory");    \
        value;                                                                                     \
    })
    check_equal(LOAD("ldrb %w0, [%1]", 1), 0xf0);
    check_equal(LOAD("ldrb %w0, [%1, #3]", 1), 0xa0);
    check_equal(LOAD("ldrsb %w0, [%1]", 1), 0xfffffff0);
    check_equal(LOAD("ldrsb %x0, [%1]", 1), 0xfffffffffffffff0);
    check_equal(LOAD("ldr %w0, [%1]", 4), 0xa0a8b0f0);
    check_equal(LOAD("ldrsw %x0, [%1]", 4), 0xffffffffa0a8b0f0);
    __asm__ volatile("ldr wzr, [%0]" : : "r"(where) : "memory"); /* to nowhere */
    __asm__ volatile("str wzr, [%0]" : : "r"(where) : "memory");
    check_equal(mmio_read32(where), 0);
    mmio_write32(where, 0x01010101u * PRIORITY_DEFAULT);
}

static void test_read_only_registers_ignore_writes(void)
{
    char *gicd = (char *)DOMU_GICD_BASE;
    uint32_t typer = mmio_read32(gicd + GICD_TYPER);
    struct caught caught = CATCH(mmio_write32(gicd + GICD_TYPER, ~typer));
    check_equal(caught.count, 0);
    check_equal(mmio_read32(gicd + GICD_TYPER), typer);
}

/* Runs at EL0: no stack, position independent, ends with an exception. */
static void el0_svc(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("svc #3");
}

static void el0_hvc(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("hvc #0\n\tsvc #0");
}

static void el0_id_register(uint64_t unused)
{
    (void)unused;
    (void)sysreg_read(id_aa64pfr0_el1);
    __asm__ volatile("svc #0");
}

static void el0_actlr(uint64_t unused)
{
    (void)unused;
    (void)sysreg_read(actlr_el1);
    __asm__ volatile("svc #0");
}

static void el0_pmu(uint64_t unused)
{
    (void)unused;
    (void)sysreg_read(pmcr_el0);
    __asm__ volatile("svc #0");
}

static void el0_wfi(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("sevl\n\twfe\n\tsvc #9");
}

static void el0_read(uint64_t address)
{
    __asm__ volatile("ldr w1, [%0]\n\tsvc #1" : : "r"(address) : "x1");
}

static void el0_jump(uint64_t address)
{
    __asm__ volatile("br %0" : : "r"(address));
}

static void test_el0(void)
{
    struct caught caught = run_at_el0(el0_svc, 0);
    check_equal(CAUGHT_EC(caught), EC_SVC64);
    check_equal(caught.esr & 0xffff, 3);
    check_undef(run_at_el0(el0_hvc, 0));
    check_undef(run_at_el0(el0_actlr, 0));
    caught = run_at_el0(el0_id_register, 0);
    check(CAUGHT_EC(caught) == EC_UNKNOWN || CAUGHT_EC(caught) == EC_SYSREG);
    caught = run_at_el0(el0_pmu, 0);
    check(CAUGHT_EC(caught) == EC_UNKNOWN || CAUGHT_EC(caught) == EC_SYSREG);
    caught = run_at_el0(el0_wfi, 0);
    check_equal(CAUGHT_EC(caught), EC_SVC64);
    check_equal(caught.esr & 0xffff, 9);
}

static void test_el0_aborts(void)
{
    check_external(run_at_el0(el0_read, HOLE + EL0_VIEW), EC_DABT_LOW, HOLE + EL0_VIEW);
    check_external(run_at_el0(el0_jump, HOLE + EL0_VIEW), EC_IABT_LOW, HOLE + EL0_VIEW);
    struct caught caught = run_at_el0(el0_read, DOMU_GICD_BASE + GICD_TYPER + EL0_VIEW);
    check_equal(CAUGHT_EC(caught), EC_SVC64); /* EL0 drives a device: its kernel's affair */
}

/* FP registers keep their values through exits that may use or switch them. */
static void test_fp_survives(void)
{
    uint64_t low, high;
    __asm__ volatile("fmov d8, %0\n\tfmov d31, %1" : : "r"(0x1122334455667788), "r"(0xcafeul));
    for (unsigned i = 0; i < 100; i++) {
        (void)hvc(PSCI_VERSION, 0, 0, 0);
        (void)mmio_read32((char *)DOMU_GICD_BASE + GICD_TYPER);
    }
    delay_us(20000);
    __asm__ volatile("fmov %0, d8\n\tfmov %1, d31" : "=r"(low), "=r"(high));
    check_equal(low, 0x1122334455667788);
    check_equal(high, 0xcafe);
}

const struct payload_test payload_tests[] = {
    {"SVC, BRK and undefined instructions stay at EL1", test_svc_and_brk_stay_here, 0, false},
    {"HVC: PSCI_VERSION, x4 and up are preserved", test_hvc_known, 0, false},
    {"HVC: unknown functions are not supported", test_hvc_unknown, 0, false},
    {"HVC: the immediate does not matter", test_hvc_immediate, 0, false},
    {"SMC is answered like HVC", test_smc, 0, true},
    {"WFE and WFI come back", test_wfe_and_wfi_come_back, 0, false},
    {"ID registers hide what is not offered", test_id_registers_hide, 0, true},
    {"the ID register space reads", test_id_space_reads, 0, false},
    {"registers of absent features are UNDEFINED", test_absent_features_are_undefined, 0, true},
    {"the PMU is UNDEFINED", test_pmu_is_undefined, 0, true},
    {"debug registers are harmless", test_debug_registers_are_harmless, 0, true},
    {"ACTLR_EL1 reads and ignores", test_actlr, 0, false},
    {"implementation-defined registers", test_implementation_defined, 0, true},
    {"unmapped data access: external abort", test_unmapped_read_and_write, 0, false},
    {"unmapped, far away: external abort", test_unmapped_far_away, 0, true},
    {"unmapped fetch: external abort", test_unmapped_fetch, 0, false},
    {"odd accesses to an emulated device", test_odd_accesses_to_emulated_device, 0, true},
    {"odd accesses to nothing", test_odd_accesses_to_hole, 0, true},
    {"an abort leaves registers alone", test_abort_is_precise, 0, false},
    {"loads of every width and extension", test_load_widths, 0, false},
    {"read-only registers ignore writes", test_read_only_registers_ignore_writes, 0, false},
    {"EL0: calls, registers, waits", test_el0, 0, false},
    {"EL0: aborts", test_el0_aborts, 0, false},
    {"FP registers survive exits", test_fp_survives, 0, false},
    {NULL, NULL, 0, false},
};
