/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of configuration files.
 */
#include "guests/dom0/common/config_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE 65536

/* Past a quoted string's last character, or NULL if it has none. */
static char *quoted_end(char *at)
{
    char quote = *at++;

    for (; *at && *at != quote; at++)
        if (*at == '\\' && at[1])
            at++;
    return *at ? at + 1 : NULL;
}

/* A comment's end, or NULL if it has none; `at` itself if none begins there. */
static char *comment_end(char *at)
{
    if (at[0] == '#' || (at[0] == '/' && at[1] == '/'))
        return at + strcspn(at, "\n");
    if (at[0] != '/' || at[1] != '*')
        return at;
    char *end = strstr(at + 2, "*/");
    return end ? end + 2 : NULL;
}

static int line_at(const char *text, const char *at)
{
    int line = 1;

    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

const char *config_text_prepare(char *text, int *line)
{
    const char *section = text;
    int depth = 0;

    for (char *at = text; *at;) {
        bool quoted = *at == '"' || *at == '\'';
        char *end = quoted ? quoted_end(at) : comment_end(at);
        if (!end) {
            *line = line_at(text, at);
            return quoted ? "a text has no end; add its quote" : "a comment has no end; add a '*/'";
        }
        if (quoted) {
            at = end;
        } else if (end == at) {
            if (*at == '{' && depth++ == 0)
                section = at;
            depth -= *at == '}';
            at++;
        }
        for (; at < end; at++)
            *at = *at == '\n' ? '\n' : ' ';
    }
    *line = line_at(text, section);
    return depth > 0 ? "a section has no end; add a '}'" : NULL;
}

char *config_text_read(const char *file)
{
    char *text = malloc(MAX_FILE + 1);
    FILE *stream = text ? fopen(file, "re") : NULL;
    size_t size = stream ? fread(text, 1, MAX_FILE, stream) : 0;
    bool good = stream && !ferror(stream) && size < MAX_FILE;

    if (stream && !good)
        errno = ferror(stream) ? errno : EFBIG;
    if (stream)
        fclose(stream);
    if (!good) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}

/* Messages by their beginning; what libconfuse quotes is a key (or section), a word, or nothing. */
static const struct {
    const char *theirs;
    enum { OF_KEY, OF_WORD, OF_TEXT } quoted;
    const char *ours;
} forms[] = {
    {"no such option", OF_KEY, "there is no such key; see tarn.conf(5)"},
    {"missing equal sign", OF_KEY, "'=' is missing after it; write KEY = VALUE"},
    {"attempt to append", OF_KEY, "it has one value; write = instead of +="},
    {"missing title", OF_KEY, "its title is missing; write it like disk \"root\" { ... }"},
    {"missing opening brace", OF_KEY, "'{' is missing; write it like disk \"root\" { ... }"},
    {"found duplicate title", OF_WORD, "is the title of two sections; give each its own"},
    {"unexpected token", OF_WORD, "is out of place; write KEY = VALUE, text in double quotes"},
    {"unexpected closing brace", OF_TEXT, "there is a '}' too many; remove it"},
    {"premature end", OF_TEXT, "the file ends in the middle of something; write the rest"},
    {"unterminated string", OF_TEXT, "a text has no end; add a '\"'"},
    {"bad escape", OF_TEXT, "a text has a '\\' that begins nothing known; write '\\\\' for one"},
    {"invalid octal", OF_TEXT, "a text has a '\\' that begins nothing known; write '\\\\' for one"},
};

void config_text_reword(const char *message, char *said, size_t size)
{
    const char *quote = strchr(message, '\''), *end = strrchr(message, '\'');
    int length = quote && end > quote ? (int)(end - quote - 1) : 0;

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strncmp(message, forms[i].theirs, strlen(forms[i].theirs)) != 0)
            continue;
        if (forms[i].quoted == OF_TEXT || !length)
            snprintf(said, size, "%s", forms[i].ours);
        else
            snprintf(said, size, forms[i].quoted == OF_KEY ? "key '%.*s': %s" : "'%.*s' %s", length,
                     quote + 1, forms[i].ours);
        return;
    }
    snprintf(said, size, "%s; see tarn.conf(5)", message);
}
