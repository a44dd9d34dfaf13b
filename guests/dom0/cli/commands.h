/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of tarn. Each gets its own arguments, the command's name in front, and returns an
 * exit code; errors are reported. Includes nothing.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int command_create(int argc, char **argv);
int command_check(int argc, char **argv);
int command_autostart(int argc, char **argv);
int command_list(int argc, char **argv);
int command_stats(int argc, char **argv);
int command_top(int argc, char **argv);
int command_dmesg(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_info(int argc, char **argv);
int command_console(int argc, char **argv);
int command_shutdown(int argc, char **argv);
int command_reboot(int argc, char **argv);
int command_destroy(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_unpause(int argc, char **argv);
int command_attach_disk(int argc, char **argv);
int command_detach_disk(int argc, char **argv);
int command_sched(int argc, char **argv);
int command_vcpu_list(int argc, char **argv);
int command_vcpu_pin(int argc, char **argv);
int command_adopt(int argc, char **argv);
int command_fdt(int argc, char **argv);
int command_supervise(int argc, char **argv);

/* The level up to which Tarn logs, by name. /dev/tarn is open. */
const char *dmesg_level(void);

/* Attaches the terminal to the console of a domain by name. */
int console_attach(const char *name);

#endif
