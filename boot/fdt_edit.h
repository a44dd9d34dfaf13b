/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Editing of a device tree with libfdt. An editor keeps the first error; what is done after it does
 * no harm, so that the steps of an edit read as a list. Boot only. May include platform.
 */
#ifndef BOOT_FDT_EDIT_H
#define BOOT_FDT_EDIT_H

#include "platform/types.h"

struct fdt_editor {
    void *fdt;
    int error;        /* first failure of libfdt, or 0 */
    const char *what; /* what failed then */
};

/* Notes a result of libfdt. */
void edit_check(struct fdt_editor *e, int result, const char *what);

/*
 * The child of that name, made if it is not there; it becomes the first child. Negative after an
 * error: all that is done to such a node fails.
 */
int edit_child(struct fdt_editor *e, int parent, const char *name);

/* The same for name@address, the unit address in hexadecimal. name: at most 20 characters. */
int edit_unit(struct fdt_editor *e, int parent, const char *name, uint64_t address);

void edit_set(struct fdt_editor *e, int node, const char *name, const void *value, size_t size);
void edit_set_string(struct fdt_editor *e, int node, const char *name, const char *value);
void edit_set_u32(struct fdt_editor *e, int node, const char *name, uint32_t value);
void edit_set_u64(struct fdt_editor *e, int node, const char *name, uint64_t value);

/* reg of one range, by the cells of parent; an error if it does not fit in them. */
void edit_set_reg(struct fdt_editor *e, int parent, int node, const struct pa_range *range);

/* /chosen for a kernel: its command line (NULL: as it is) and its initrd (size 0: none). */
void edit_boot(struct fdt_editor *e, const char *bootargs, struct pa_range initrd);

/* Removes a property; nothing if it is not there. */
void edit_remove(struct fdt_editor *e, int node, const char *name);

#endif
