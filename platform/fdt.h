/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Tarn asks of a device tree (Devicetree Specification 0.4), on top of libfdt. libfdt uses FP
 * registers here and there: boot only, before the first guest runs. Any tree passed here but to
 * dt_check has passed dt_check. May include platform.
 */
#ifndef PLATFORM_FDT_H
#define PLATFORM_FDT_H

#include "platform/types.h"

/* Called for each range found. */
typedef void (*dt_range_fn)(uint64_t base, uint64_t size, void *context);

/*
 * Checks that there is a device tree of at most `room` bytes and that it is sound. Returns NULL, or
 * a sentence.
 */
const char *dt_check(const void *fdt, uint64_t room);

/*
 * Range `index` of a node's `reg` as it stands, by the cells of node `bus`: for children of /chosen
 * and /reserved-memory, which are no buses. Returns false if there is none or it wraps around.
 */
bool dt_reg_raw(const void *fdt, int node, int bus, unsigned index, struct pa_range *range);

/*
 * Range `index` of a node's `reg`, translated to a physical address through the `ranges` of all its
 * parents. Returns false if there is none or a parent has no translation.
 */
bool dt_reg(const void *fdt, int node, unsigned index, struct pa_range *range);

/* Translates an address of `node`'s address space (that of its children's reg) to physical. */
bool dt_translate(const void *fdt, int node, uint64_t *address);

/* INTID of interrupt `index` of a node whose interrupt parent is a GIC; false if there is none. */
bool dt_interrupt(const void *fdt, int node, unsigned index, uint32_t *intid);

/* Each bank of RAM. */
void dt_for_each_memory(const void *fdt, dt_range_fn found, void *context);

/* Each reservation: the memory reservation block and the static nodes of /reserved-memory. */
void dt_for_each_reserved(const void *fdt, dt_range_fn found, void *context);

/* MPIDR affinities of the CPUs that may be used, at most `most`. Returns how many. */
unsigned dt_cpus(const void *fdt, uint64_t *mpidr, unsigned most);

/* A property that is a string, or NULL. */
const char *dt_string(const void *fdt, int node, const char *name);

/* A property of one or two cells, or `otherwise`. */
uint64_t dt_cells(const void *fdt, int node, const char *name, uint64_t otherwise);

/* True if the node's device_type is `wanted`. */
bool dt_has_type(const void *fdt, int node, const char *wanted);

/* The GIC that Tarn drives, and dom0's emulated one stands for: its node, or negative. version: 2
 * or 3; may be NULL. */
int dt_gic(const void *fdt, unsigned *version);

/* True unless the node's status says otherwise. */
bool dt_enabled(const void *fdt, int node);

/* Cells of an interrupt of the controller that `node` reports to; 3 if the tree does not say. */
int dt_interrupt_cells(const void *fdt, int node);

/* 64 random bits from the bootloader: /chosen's kaslr-seed and rng-seed, 0 if it gave none. */
uint64_t dt_seed(const void *fdt);

/* A number of `cells` 32-bit cells; the upper of more than two are dropped. */
uint64_t dt_number(const uint32_t *cell, int cells);

#endif
