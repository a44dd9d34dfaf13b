/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /run/tarn: what is known of running domains, a folder each (config, console, control, state,
 * pid), how domains ended (last/NAME), and the locks (lock/NAME). Includes nothing.
 */
#ifndef CLI_RUNDIR_H
#define CLI_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>

#define RUNDIR "/run/tarn"

struct run_path {
    char text[96]; /* shorter than a socket's address may be */
};

/* /run/tarn/NAME/FILE; name is a good name. */
struct run_path run_path(const char *name, const char *file);

/* The socket of a domain's port. */
struct run_path run_port(const char *name, const char *port);

/*
 * The right to make, run or clear away the domain `name`: held by `tarn create` until it starts the
 * supervisor, then by that one. Waits up to `seconds`. Returns a descriptor, or -1 with errno set;
 * EBUSY: somebody else has it.
 */
int run_lock(const char *name, unsigned seconds);

/* Gives it back. Where the domain has no folder (any more), its lock's name goes, too. */
void run_unlock(const char *name, int lock);

/* An empty folder for a new domain. Lock held. */
bool run_make(const char *name);

/* Removes the folder and what is in it. Lock held. */
void run_remove(const char *name);

/* Writes a file of run_path anew; who reads it sees the old or the new. Returns false with errno
 * set. */
bool run_write(const char *path, const void *data, size_t size);

/* Copies a file. */
bool run_copy(const char *from, const char *to);

/* Reads a small file as a string; "" if there is none. */
void run_read(const char *path, char *text, size_t size);

/* Keeps the configuration of a domain that ended, for who starts its unit again; brings it back
 * into a new folder. Lock held. */
void run_keep_config(const char *name);
bool run_restore_config(const char *name);

/* What a domain's owner asked its guest for and waits to see done: "shutdown", "reboot", or "". */
void run_ask(const char *name, const char *what);
struct run_words {
    char text[192];
};
struct run_words run_asked(const char *name);

/*
 * How often something happened to the domain since it was created, and when and why the last time:
 * it began anew; its backend died.
 */
#define RUN_RESTARTS "restarts"
#define RUN_BACKEND  "backend"
void run_note_count(const char *name, const char *file, unsigned count, const char *how);
unsigned run_count(const char *name, const char *file, struct run_words *how);

/* Around the making of a domain by its supervisor: what is there meanwhile is not complete. */
void run_mark_building(const char *name, bool building);
bool run_is_building(const char *name);

/*
 * How a domain that Tarn itself started with the machine can begin anew: RUN_ONCE, with the machine
 * alone; RUN_AGAIN, of its configuration, as others do. "": it is no such domain.
 */
#define RUN_ONCE  "once"
#define RUN_AGAIN "again"
bool run_mark_boot(const char *name, const char *how);
struct run_words run_boot(const char *name);

/* Calls fn for every domain that has ended, with the line of run_note_end. */
void run_each_ended(void (*fn)(const char *name, const char *how));

/* Notes how a domain ended. The last RUN_MAX_ENDED names are remembered. */
#define RUN_MAX_ENDED 128
void run_note_end(const char *name, const char *how);

/*
 * Why a supervisor failed, for whoever asked before it began: run_ask_error, run_note_error by the
 * supervisor, run_take_error ("" if it noted none), after which nothing of it is left.
 */
void run_ask_error(const char *name);
void run_note_error(const char *name, const char *error);
void run_take_error(const char *name, char *error, size_t size);

#endif
