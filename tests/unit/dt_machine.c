/* SPDX-License-Identifier: Apache-2.0 */
/* Device trees for tests; see dt_machine.h. */
#include "unit.h"

#include "dt_machine.h"

#include <glob.h>
#include <libfdt.h>

/* Trees are packed, so that a read beyond the end is a read beyond the allocation. */
static void *load(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (!file)
        return NULL;
    size_t most = 4 << 20;
    void *bytes = malloc(most);
    size_t size = fread(bytes, 1, most, file);
    fclose(file);
    assert_int_equal(fdt_check_full(bytes, size), 0);
    assert_int_equal(fdt_pack(bytes), 0);
    return realloc(bytes, fdt_totalsize(bytes));
}

void *dt_machine(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "build/unit/dtb/%s.dtb", name);
    void *fdt = load(path);
    if (!fdt)
        fail_msg("%s is missing: run make unit", path);
    return fdt;
}

void *dt_board(const char *name)
{
    char pattern[256];
    glob_t found;
    void *fdt = NULL;

    snprintf(pattern, sizeof(pattern), "build/kernel/root/usr/lib/linux-image-*/%s.dtb", name);
    if (glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0)
        fdt = load(found.gl_pathv[0]);
    globfree(&found);
    return fdt;
}

void *dt_with_room(const void *fdt, size_t size)
{
    void *copy = calloc(1, size);

    assert_int_equal(fdt_open_into(fdt, copy, (int)size), 0);
    return copy;
}
