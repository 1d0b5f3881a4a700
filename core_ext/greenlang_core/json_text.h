/* Texts as canonical JSON has them: escaped where JSON demands it, and nowhere else. */
#ifndef GREENLANG_JSON_TEXT_H
#define GREENLANG_JSON_TEXT_H

#include <stddef.h>
#include <string.h>

/* The most bytes that one byte of a text becomes: \u001f. */
#define GL_ESCAPED_SIZE 6

/* Write a text without its quotes, into room for GL_ESCAPED_SIZE times its length; returns the end. */
static inline char *gl_write_escaped(char *target, const char *text, size_t length)
{
    static const char names[] = "btn?fr"; /* of bytes 8 to 13; 11 has none */
    static const char hex[] = "0123456789abcdef";
    for (size_t at = 0; at < length; at++) {
        unsigned char byte = (unsigned char)text[at];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            *target++ = (char)byte;
            continue;
        }
        *target++ = '\\';
        if (byte >= 0x20) {
            *target++ = (char)byte;
        } else if (byte >= 8 && byte <= 13 && byte != 11) {
            *target++ = names[byte - 8];
        } else {
            memcpy(target, "u00", 3);
            target[3] = hex[byte >> 4];
            target[4] = hex[byte & 15];
            target += 5;
        }
    }
    return target;
}

#endif
