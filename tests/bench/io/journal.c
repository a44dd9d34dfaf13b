/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a disk promises to somebody who flushes: a writer that goes from step to step, and a checker
 * of what is found after the machine lost its power.
 *
 *   journal write NAME PATH FIRST CELLS       for ever; prints "NAME STEP" when a step is on the
 * disk journal check PATH FIRST CELLS STEP       STEP: the last that was printed
 *
 * The image is empty at first, so that each write takes space, too. A step writes some runs of
 * cells and flushes. After a loss the disk must hold all steps that were printed, and with any cell
 * of a later step all steps before that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELL  4096
#define RUNS  4  /* of a step */
#define CELLS 16 /* of a run, at most */

static int fd;
static uint64_t first, cells;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "journal: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* The n-th run of a step. */
static uint64_t run_of(uint64_t step, unsigned n, unsigned *count)
{
    uint64_t number = mix(step * RUNS + n);

    *count = 1 + (unsigned)(number % CELLS);
    return mix(number) % (cells - *count);
}

static void fill(uint64_t *words, uint64_t cell, uint64_t step)
{
    words[0] = step;
    for (unsigned i = 1; i < CELL / 8; i++)
        words[i] = mix(cell << 40 ^ step << 10 ^ i);
}

static void put(uint64_t *buffer, uint64_t cell, unsigned count, uint64_t step)
{
    size_t size = (size_t)count * CELL;

    for (unsigned i = 0; i < count; i++)
        fill(buffer + (size_t)i * (CELL / 8), cell + i, step);
    if (pwrite(fd, buffer, size, (off_t)((first + cell) * CELL)) != (ssize_t)size)
        die("write");
}

static void tell(const char *name, uint64_t step)
{
    char line[64];
    int size = snprintf(line, sizeof(line), "%s %llu\n", name, (unsigned long long)step);

    if (fdatasync(fd) != 0 || write(STDOUT_FILENO, line, (size_t)size) != size)
        die("flush");
}

static _Noreturn void journal_write(const char *name)
{
    uint64_t *buffer = aligned_alloc(CELL, CELL * CELLS);

    if (!buffer)
        die("memory");
    for (uint64_t step = 1;; step++) {
        for (unsigned n = 0; n < RUNS; n++) {
            unsigned count;
            uint64_t cell = run_of(step, n, &count);
            put(buffer, cell, count, step);
        }
        tell(name, step);
    }
}

/* Which step wrote the cell that is there, 0 for an empty one; exits if it is neither. */
static uint64_t step_at(uint64_t cell)
{
    static const uint64_t empty[CELL / 8];
    uint64_t found[CELL / 8], expected[CELL / 8];

    if (pread(fd, found, CELL, (off_t)((first + cell) * CELL)) != CELL)
        die("read");
    fill(expected, cell, found[0]);
    if (memcmp(found, expected, CELL) == 0 || memcmp(found, empty, CELL) == 0)
        return found[0];
    printf("cell %llu holds nothing that was written there\n", (unsigned long long)cell);
    exit(1);
}

static int journal_check(uint64_t told)
{
    uint64_t *found = calloc(cells, 3 * sizeof(*found)), latest = 0, errors = 0;
    uint64_t *before = found + cells, *after = before + cells;

    for (uint64_t cell = 0; cell < cells; cell++) {
        found[cell] = step_at(cell);
        latest = found[cell] > latest ? found[cell] : latest;
    }
    latest = told > latest ? told : latest;
    for (uint64_t step = 1; step <= latest; step++) {
        memcpy(before, after, cells * sizeof(*found));
        for (unsigned n = 0; n < RUNS; n++) {
            unsigned count;
            uint64_t cell = run_of(step, n, &count);
            for (unsigned i = 0; i < count; i++)
                after[cell + i] = step;
        }
    }
    /* Of the latest step, unless it was told, each cell may be there or not. */
    for (uint64_t cell = 0; cell < cells; cell++) {
        bool good = found[cell] == after[cell] || (latest > told && found[cell] == before[cell]);
        if (!good && errors++ < 5)
            printf("cell %llu is of step %llu, not %llu\n", (unsigned long long)cell,
                   (unsigned long long)found[cell], (unsigned long long)after[cell]);
    }
    printf("told=%llu latest=%llu errors=%llu\n", (unsigned long long)told,
           (unsigned long long)latest, (unsigned long long)errors);
    free(found);
    return errors != 0;
}

int main(int argc, char **argv)
{
    bool writes = argc == 6 && strcmp(argv[1], "write") == 0;

    if (argc != 6 || (!writes && strcmp(argv[1], "check") != 0)) {
        fprintf(stderr, "journal: see the head of tests/bench/io/journal.c\n");
        return 2;
    }
    const char *path = argv[writes ? 3 : 2];
    fd = open(path, writes ? O_RDWR | O_DIRECT : O_RDONLY);
    if (fd < 0)
        die(path);
    first = strtoull(argv[writes ? 4 : 3], NULL, 0);
    cells = strtoull(argv[writes ? 5 : 4], NULL, 0);
    if (writes)
        journal_write(argv[2]);
    return journal_check(strtoull(argv[5], NULL, 0));
}
