/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page-table walker; see pt.h. One recursive walk (as deep as there are levels) calls a visitor
 * for every entry that the range touches; the operations are pairs of visitors, plan and commit.
 * May call platform and what struct pt_ops names.
 */
#include "mm/pt.h"

#include "mm/pt_store.h"
#include "platform/panic.h"

#define ENTRIES     512u
#define LAST_LEVEL  3u
#define ADDRESS     0x0000fffffffff000ul
#define VALID       1ul
#define TYPE_BLOCK  1ul
#define TYPE_TABLE  3ul /* above the last level; */
#define TYPE_PAGE   3ul /* the same bits on the last level */
#define BLOCK_LEVEL 1u  /* first level that may hold blocks */

/* An entry on the walk. */
struct slot {
    uint64_t *entry; /* NULL: in a table that only commit will make */
    uint64_t value;  /* what it holds, or would hold */
    uint64_t input;  /* first address it translates */
    unsigned level;
};

enum step { STEP_NEXT, STEP_DESCEND, STEP_FAIL };

struct walk {
    const struct pt *pt;
    uint64_t start, end; /* of the range */
    uint64_t output;     /* map: of start */
    uint64_t attr;
    enum step (*visit)(struct walk *, struct slot *);
    void (*leave)(struct walk *, struct slot *); /* after a table's entries, or NULL */
    void *reserve;                               /* pages for tables, linked by their first word */
    void *dead;       /* tables out of use, linked likewise, to be freed after TLB maintenance */
    uint64_t granule; /* unmap: size of the smallest leaf removed; 0: none was */
    struct pt_leaf *leaf; /* lookup: what was found */
};

static uint64_t entry_size(unsigned level)
{
    return 1ul << (PAGE_SHIFT + 9 * (LAST_LEVEL - level));
}

static bool is_table(uint64_t value, unsigned level)
{
    return level < LAST_LEVEL && (value & 3) == TYPE_TABLE;
}

static uint64_t leaf_descriptor(uint64_t output, uint64_t attr, unsigned level)
{
    return output | (attr & PT_ATTR_MASK) | (level == LAST_LEVEL ? TYPE_PAGE : TYPE_BLOCK);
}

/* What entry `index` of a table on `level` holds if the table takes the place of `parent`. */
static uint64_t inherit(uint64_t parent, unsigned level, uint64_t index)
{
    if (!(parent & VALID))
        return 0;
    return leaf_descriptor((parent & ADDRESS) + index * entry_size(level), parent, level);
}

static bool covered(const struct walk *walk, const struct slot *slot)
{
    return slot->input >= walk->start && slot->input + entry_size(slot->level) <= walk->end;
}

/* table: NULL for one that does not exist yet, whose entries follow from `parent`. */
static bool walk_table(struct walk *walk, uint64_t *table, uint64_t parent, unsigned level,
                       uint64_t base)
{
    uint64_t size = entry_size(level);
    uint64_t count = level == walk->pt->start_level ? BIT(walk->pt->input_bits) / size : ENTRIES;
    uint64_t first = (MAX(walk->start, base) - base) / size;

    for (uint64_t i = first; i < count && base + i * size < walk->end; i++) {
        struct slot slot = {
            .entry = table ? &table[i] : NULL,
            .value = table ? table[i] : inherit(parent, level, i),
            .input = base + i * size,
            .level = level,
        };
        enum step step = walk->visit(walk, &slot);
        if (step == STEP_FAIL)
            return false;
        if (step == STEP_NEXT)
            continue;
        uint64_t *child =
            is_table(slot.value, level) ? walk->pt->ops->table_va(pa(slot.value & ADDRESS)) : NULL;
        if (!walk_table(walk, child, slot.value, level + 1, slot.input))
            return false;
        if (walk->leave)
            walk->leave(walk, &slot);
    }
    return true;
}

static bool run(struct walk *walk, enum step (*visit)(struct walk *, struct slot *),
                void (*leave)(struct walk *, struct slot *))
{
    walk->visit = visit;
    walk->leave = leave;
    return walk_table(walk, walk->pt->root, 0, walk->pt->start_level, 0);
}

/*
 * Lists of pages, linked by their first words. A link is the address of a page, so its bit 0 is
 * clear: to a table walk that has not heard yet that the page is no table any more, it is an
 * invalid entry.
 */
static void push(void **list, void *page)
{
    *(void **)page = *list;
    *list = page;
}

static void *pop(void **list)
{
    void *page = *list;

    assert(page);
    *list = *(void **)page;
    *(void **)page = NULL;
    return page;
}

static void free_list(const struct pt *pt, void **list)
{
    while (*list)
        pt->ops->free(pt->context, pop(list));
}

/* Plan: a table is needed in this slot. Below the last but one level there is nothing to find out.
 */
static enum step plan_table(struct walk *walk, const struct slot *slot)
{
    void *page = walk->pt->ops->alloc(walk->pt->context);

    if (!page)
        return STEP_FAIL;
    push(&walk->reserve, page);
    return slot->level + 1 == LAST_LEVEL ? STEP_NEXT : STEP_DESCEND;
}

static void link_table(struct walk *walk, struct slot *slot, const void *table)
{
    slot->value = walk->pt->ops->table_pa(table).v | TYPE_TABLE;
    pt_store(slot->entry, slot->value);
}

static bool range_valid(const struct pt *pt, uint64_t start, uint64_t size, unsigned bits)
{
    assert(pt->input_bits <= 48 && pt->output_bits <= 48);
    return size > 0 && (start | size) % PAGE_SIZE == 0 && size <= BIT(bits) &&
           start <= BIT(bits) - size;
}

static bool fits_leaf(const struct walk *walk, const struct slot *slot)
{
    uint64_t output = walk->output + (slot->input - walk->start);

    return slot->level >= BLOCK_LEVEL && covered(walk, slot) &&
           output % entry_size(slot->level) == 0;
}

static enum step map_plan(struct walk *walk, struct slot *slot)
{
    if (slot->value & VALID)
        return is_table(slot->value, slot->level) ? STEP_DESCEND : STEP_FAIL;
    return fits_leaf(walk, slot) ? STEP_NEXT : plan_table(walk, slot);
}

static enum step map_commit(struct walk *walk, struct slot *slot)
{
    if (is_table(slot->value, slot->level))
        return STEP_DESCEND;
    assert(!(slot->value & VALID));
    if (fits_leaf(walk, slot)) {
        uint64_t output = walk->output + (slot->input - walk->start);
        pt_store(slot->entry, leaf_descriptor(output, walk->attr, slot->level));
        return STEP_NEXT;
    }
    link_table(walk, slot, pop(&walk->reserve));
    return STEP_DESCEND;
}

bool pt_map(const struct pt *pt, uint64_t input, pa_t output, uint64_t size, uint64_t attr)
{
    struct walk walk = {
        .pt = pt, .start = input, .end = input + size, .output = output.v, .attr = attr};
    bool ok = range_valid(pt, input, size, pt->input_bits) &&
              range_valid(pt, output.v, size, pt->output_bits) && run(&walk, map_plan, NULL);

    if (ok) {
        ok = run(&walk, map_commit, NULL);
        assert(ok && !walk.reserve);
        pt->ops->publish();
    }
    free_list(pt, &walk.reserve);
    return ok;
}

/* Blocks across an edge of the range need a table. */
static enum step unmap_plan(struct walk *walk, struct slot *slot)
{
    if (is_table(slot->value, slot->level))
        return STEP_DESCEND;
    if (!(slot->value & VALID) || covered(walk, slot))
        return STEP_NEXT;
    return plan_table(walk, slot);
}

/* Replaces a block by a table of the next smaller size that says the same. */
static void split(struct walk *walk, struct slot *slot)
{
    const struct pt_ops *ops = walk->pt->ops;
    uint64_t size = entry_size(slot->level);
    uint64_t *table = pop(&walk->reserve);

    for (unsigned i = 0; i < ENTRIES; i++)
        table[i] = inherit(slot->value, slot->level + 1, i);
    pt_store(slot->entry, 0);
    ops->invalidate(walk->pt->context, slot->input, size, size);
    link_table(walk, slot, table);
}

static enum step unmap_commit(struct walk *walk, struct slot *slot)
{
    uint64_t size = entry_size(slot->level);

    if (is_table(slot->value, slot->level))
        return STEP_DESCEND;
    if (!(slot->value & VALID))
        return STEP_NEXT;
    if (!covered(walk, slot)) {
        split(walk, slot);
        return STEP_DESCEND;
    }
    pt_store(slot->entry, 0);
    walk->granule = walk->granule ? MIN(walk->granule, size) : size;
    return STEP_NEXT;
}

/* Takes a table out of the tree when its last entry has gone. */
static void unmap_leave(struct walk *walk, struct slot *slot)
{
    uint64_t *table = walk->pt->ops->table_va(pa(slot->value & ADDRESS));

    for (unsigned i = 0; i < ENTRIES; i++)
        if (table[i] & VALID)
            return;
    pt_store(slot->entry, 0);
    push(&walk->dead, table);
}

bool pt_unmap(const struct pt *pt, uint64_t input, uint64_t size)
{
    struct walk walk = {.pt = pt, .start = input, .end = input + size};
    bool ok = range_valid(pt, input, size, pt->input_bits) && run(&walk, unmap_plan, NULL);

    if (ok) {
        ok = run(&walk, unmap_commit, unmap_leave);
        assert(ok && !walk.reserve && (walk.granule || !walk.dead));
        if (walk.granule)
            pt->ops->invalidate(pt->context, input, size, walk.granule);
        free_list(pt, &walk.dead);
    }
    free_list(pt, &walk.reserve);
    return ok;
}

static enum step lookup(struct walk *walk, struct slot *slot)
{
    uint64_t size = entry_size(slot->level);

    if (is_table(slot->value, slot->level))
        return STEP_DESCEND;
    if (!(slot->value & VALID))
        return STEP_FAIL;
    *walk->leaf = (struct pt_leaf){pa((slot->value & ADDRESS) + walk->start % size),
                                   slot->value & PT_ATTR_MASK, size};
    return STEP_NEXT;
}

bool pt_lookup(const struct pt *pt, uint64_t input, struct pt_leaf *leaf)
{
    struct walk walk = {.pt = pt, .start = input, .end = input + 1, .leaf = leaf};

    return input < BIT(pt->input_bits) && run(&walk, lookup, NULL);
}
