/*
 * Moving over JSON text, strictly as RFC 8259 has it: nothing here keeps a value.
 *
 * A text ends with a NUL behind its last byte (as Python's bytes objects do). No JSON token may hold a control character
 * bare, so every loop stops there at the latest, and nothing is read past it.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MOST_LEVELS = 500 };

typedef struct {
    const uint8_t *at, *end;
    uint8_t line_feed; /* '\n' where a line feed is a blank like others; a blank again where it ends a document */
} Cursor;

/* Whether reading goes on. False: the document is odd, and the cursor stands anywhere in it. */
typedef bool Going;

typedef struct {
    const uint8_t *from, *to;
    const uint8_t *whole, *whole_end;       /* digits before the point */
    const uint8_t *fraction, *fraction_end; /* digits after it */
    bool negative, exponent;
} Number;

static inline void skip_blanks(Cursor *cursor) {
    while (*cursor->at == ' ' || *cursor->at == '\t' || *cursor->at == '\r' || *cursor->at == cursor->line_feed) cursor->at++;
}

/* Moves behind the next character and the blanks before it, if it is the one expected. */
static inline Going expect(Cursor *cursor, uint8_t what) {
    skip_blanks(cursor);
    if (*cursor->at != what) return false;
    cursor->at++;
    return true;
}

/* Moves behind a closing bracket (then `last` is true) or a comma, and the blanks before it. */
static inline Going next_or_last(Cursor *cursor, uint8_t bracket, bool *last) {
    skip_blanks(cursor);
    *last = *cursor->at == bracket;
    if (!*last && *cursor->at != ',') return false;
    cursor->at++;
    return true;
}

/* Moves behind a closing bracket if it is the next character; returns whether it was. */
static inline bool is_closed(Cursor *cursor, uint8_t bracket) {
    skip_blanks(cursor);
    bool closed = *cursor->at == bracket;
    cursor->at += closed;
    return closed;
}

static inline Going skip_word(Cursor *cursor, const char *word) {
    for (; *word; word++)
        if (*cursor->at++ != (uint8_t)*word) return false;
    return true;
}

static inline bool is_digit(uint8_t character) { return character >= '0' && character <= '9'; }

static inline int hex_value(uint8_t digit) {
    if (is_digit(digit)) return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Returns the 16 bits of the four hex digits at a place, -1 where they are none. */
static inline int32_t hex_unit(const uint8_t *at) {
    int32_t unit = 0;
    for (int each = 0; each < 4; each++) {
        int digit = hex_value(at[each]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Reads an escape that begins at a backslash. Returns its code point, -1 where it is none or a lone surrogate. */
static inline int32_t read_escape(const uint8_t **at) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    uint8_t letter = (*at)[1];
    if (letter != 'u') {
        const char *found = letter ? strchr(letters, letter) : NULL;
        if (found == NULL) return -1;
        *at += 2;
        return meant[found - letters];
    }
    int32_t unit = hex_unit(*at + 2);
    if (unit < 0) return -1;
    *at += 6;
    if (unit < 0xD800 || unit > 0xDFFF) return unit;
    if (unit > 0xDBFF || (*at)[0] != '\\' || (*at)[1] != 'u') return -1;
    int32_t low = hex_unit(*at + 2);
    if (low < 0xDC00 || low > 0xDFFF) return -1;
    *at += 6;
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

/* Returns where the plain characters of a string end: at a quote, a backslash or a control character. */
static inline const uint8_t *plain_end(const uint8_t *at, const uint8_t *end) {
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    while (at + 8 <= end) {
        uint64_t word; /* eight characters at once; the lowest bit found is right, those above it may be too many */
        memcpy(&word, at, 8);
        uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        uint64_t found = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((word - ones * 0x20) & ~word);
        found &= highs;
        if (found) return at + (__builtin_ctzll(found) >> 3);
        at += 8;
    }
    while (*at != '"' && *at != '\\' && *at >= 0x20) at++;
    return at;
}

/* Moves from behind a string's opening quote to its closing one. `escapes` says whether there were any. */
static inline Going find_string_end(Cursor *cursor, bool *escapes) {
    *escapes = false;
    while (true) {
        cursor->at = plain_end(cursor->at, cursor->end);
        if (*cursor->at == '"') return true;
        if (*cursor->at != '\\') return false;
        *escapes = true;
        if (read_escape(&cursor->at) < 0) return false;
    }
}

static inline Going skip_string(Cursor *cursor) {
    bool escapes;
    if (!find_string_end(cursor, &escapes)) return false;
    cursor->at++;
    return true;
}

static inline const uint8_t *digits_end(const uint8_t *at) {
    while (is_digit(*at)) at++;
    return at;
}

/* Reads the parts of a number; false where it is none. */
static inline bool scan_number(const uint8_t *at, Number *number) {
    number->from = at;
    number->negative = *at == '-';
    number->whole = at + number->negative;
    number->whole_end = at = digits_end(number->whole);
    if (at == number->whole || (*number->whole == '0' && at - number->whole > 1)) return false;
    number->fraction = number->fraction_end = at;
    if (*at == '.') {
        number->fraction = at + 1;
        number->fraction_end = at = digits_end(number->fraction);
        if (at == number->fraction) return false;
    }
    number->exponent = *at == 'e' || *at == 'E';
    if (number->exponent) {
        at++;
        if (*at == '+' || *at == '-') at++;
        const uint8_t *digits = at;
        at = digits_end(at);
        if (at == digits) return false;
    }
    number->to = at;
    return true;
}

/* Moves behind a value and the blanks before it. */
static inline Going skip_value(Cursor *cursor, int level) {
    Number number;
    if (level >= MOST_LEVELS) return false;
    skip_blanks(cursor);
    uint8_t first = *cursor->at;
    if (first == '"') {
        cursor->at++;
        return skip_string(cursor);
    }
    if (first == '{' || first == '[') {
        uint8_t bracket = first == '{' ? '}' : ']';
        cursor->at++;
        bool last = is_closed(cursor, bracket);
        while (!last) {
            if (first == '{' && !(expect(cursor, '"') && skip_string(cursor) && expect(cursor, ':'))) return false;
            if (!skip_value(cursor, level + 1) || !next_or_last(cursor, bracket, &last)) return false;
        }
        return true;
    }
    if (first == 't') return skip_word(cursor, "true");
    if (first == 'f') return skip_word(cursor, "false");
    if (first == 'n') return skip_word(cursor, "null");
    if (!scan_number(cursor->at, &number)) return false;
    cursor->at = number.to;
    return true;
}

#endif
