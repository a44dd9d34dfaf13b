/* SPDX-License-Identifier: Apache-2.0 */
/* EL2's string functions against the build machine's, on random texts and at every alignment. */
#include "unit.h"

#include <limits.h>

#define memcpy  tarn_memcpy
#define memmove tarn_memmove
#define memset  tarn_memset
#define memcmp  tarn_memcmp
#define memchr  tarn_memchr
#define strlen  tarn_strlen
#define strnlen tarn_strnlen
#define strcmp  tarn_strcmp
#define strncmp tarn_strncmp
#define strchr  tarn_strchr
#define strrchr tarn_strrchr
#include "platform/libc.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#define ROOM 200

static void fill(uint8_t *bytes, size_t size, unsigned kinds)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)unit_random_below(kinds);
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void test_memory(void **state)
{
    uint8_t source[ROOM], mine[ROOM], theirs[ROOM];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = unit_random_below(100), to = unit_random_below(64),
               from = unit_random_below(64);
        fill(source, ROOM, 256);
        memcpy(mine, source, ROOM);
        memcpy(theirs, source, ROOM);
        assert_ptr_equal(tarn_memmove(mine + to, mine + from, size), mine + to);
        memmove(theirs + to, theirs + from, size);
        assert_memory_equal(mine, theirs, ROOM);
        assert_ptr_equal(tarn_memcpy(mine + to, source + from, size), mine + to);
        memcpy(theirs + to, source + from, size);
        assert_memory_equal(mine, theirs, ROOM);
        assert_ptr_equal(tarn_memset(mine + to, (int)size, size), mine + to);
        memset(theirs + to, (int)size, size);
        assert_memory_equal(mine, theirs, ROOM);
    }
}

static void test_search(void **state)
{
    uint8_t a[ROOM], b[ROOM];

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = unit_random_below(6);
        int byte = (int)unit_random_below(4);
        fill(a, ROOM, 3);
        fill(b, ROOM, 3);
        a[ROOM - 1] = b[ROOM - 1] = 0;
        const char *x = (const char *)a, *y = (const char *)b;
        assert_int_equal(sign(tarn_memcmp(a, b, size)), sign(memcmp(a, b, size)));
        assert_ptr_equal(tarn_memchr(a, byte, size), memchr(a, byte, size));
        assert_int_equal(tarn_strlen(x), strlen(x));
        assert_int_equal(tarn_strnlen(x, size), strnlen(x, size));
        assert_int_equal(sign(tarn_strcmp(x, y)), sign(strcmp(x, y)));
        assert_int_equal(sign(tarn_strncmp(x, y, size)), sign(strncmp(x, y, size)));
        assert_ptr_equal(tarn_strchr(x, byte), strchr(x, byte));
        assert_ptr_equal(tarn_strrchr(x, byte), strrchr(x, byte));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
