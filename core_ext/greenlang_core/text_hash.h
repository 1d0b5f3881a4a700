/* A hash for tables of texts that live as long as a process; what it gives depends on the seed. */
#ifndef GREENLANG_TEXT_HASH_H
#define GREENLANG_TEXT_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t gl_mix(uint64_t left, uint64_t right)
{
    unsigned __int128 product = (unsigned __int128)left * right;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t gl_word_at(const char *text)
{
    uint64_t word;
    memcpy(&word, text, 8);
    return word;
}

/* The last bytes of a text shorter than a word; no byte beyond it is read. */
static inline uint64_t gl_short_word(const char *text, size_t length)
{
    if (length >= 4) {
        uint32_t first, last;
        memcpy(&first, text, 4);
        memcpy(&last, text + length - 4, 4);
        return (uint64_t)first << 32 | last;
    }
    if (length == 0) return 0;
    return (uint64_t)(unsigned char)text[0] << 16 | (uint64_t)(unsigned char)text[length >> 1] << 8
           | (unsigned char)text[length - 1];
}

/* Eight bytes a multiplication, the last eight read again where they overlap. */
static inline uint64_t gl_text_hash(const char *text, size_t length, uint64_t seed)
{
    uint64_t hash = seed ^ length * 0x9E3779B97F4A7C15ULL;
    if (length < 8) return gl_mix(hash ^ gl_short_word(text, length), 0xD6E8FEB86659FD93ULL);
    for (size_t at = 0; at + 8 < length; at += 8) hash = gl_mix(hash ^ gl_word_at(text + at), 0xA0761D6478BD642FULL);
    return gl_mix(hash ^ gl_word_at(text + length - 8), 0xD6E8FEB86659FD93ULL);
}

/* Whether JSON writes a text as it is between its quotes: no quote, backslash or control character. */
static inline int gl_is_plain(const char *text, size_t length)
{
    for (size_t at = 0; at < length; at++) {
        unsigned char byte = (unsigned char)text[at];
        if (byte < 0x20 || byte == '"' || byte == '\\') return 0;
    }
    return 1;
}

/* Whether a text may begin or end in white space: by its outermost bytes, and always where they are not ASCII. */
static inline int gl_may_have_space(const char *text, size_t length)
{
    if (length == 0) return 0;
    unsigned char first = (unsigned char)text[0], last = (unsigned char)text[length - 1];
    return first <= 0x20 || first >= 0x80 || last <= 0x20 || last >= 0x80;
}

#endif
