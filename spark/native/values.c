#include "values.h"

#include <stdlib.h>
#include <string.h>

#include "instants.h"

enum { FORM_STRING = 1, FORM_BOOLEAN, FORM_INTEGER, FORM_NUMBER, FORM_NESTED };
enum { NAME_ROOM = 256, NUMBER_ROOM = 64, EXACT_DIGITS = 15, INTEGER_DIGITS = 18, MOST_KEYS = 64 };

static Going read_value(Reader *reader, Column *column, int level);

/* Says whether something was added: where it was not, for want of memory, reading ends. */
static inline Going added(Reader *reader, bool is_added) {
    reader->no_memory |= !is_added;
    return is_added;
}

static inline void mark_unfit(Reader *reader, const Column *column) {
    reader->unfit[column->node->want * reader->documents + reader->row] = 1;
}

/* Leaves a value to others, who judge the document's whole want, and goes on behind it. */
static Going leave(Reader *reader, Column *column, const uint8_t *from, int level) {
    mark_unfit(reader, column);
    reader->cursor.at = from;
    return skip_value(&reader->cursor, level) && added(reader, push_null(column));
}

/* ---- texts ---- */

static int64_t put_utf8(uint8_t *to, int32_t point) {
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    int64_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int64_t each = size - 1; each > 0; each--, point >>= 6) to[each] = (uint8_t)(0x80 | (point & 0x3F));
    to[0] = (uint8_t)(heads[size] | point);
    return size;
}

/* Writes a string's text, escapes turned into what they mean: never longer. Returns its bytes. */
static int64_t unescape(uint8_t *to, const uint8_t *from, const uint8_t *end) {
    uint8_t *start = to;
    while (from < end) {
        if (*from == '\\') to += put_utf8(to, read_escape(&from));
        else *to++ = *from++;
    }
    return to - start;
}

static Going read_raw(Reader *reader, Column *column, int level) {
    const uint8_t *from = reader->cursor.at;
    return skip_value(&reader->cursor, level) && added(reader, push_text(column, from, reader->cursor.at - from));
}

/* Reads a string from behind its opening quote. */
static Going read_quoted(Reader *reader, Column *column) {
    const uint8_t *from = reader->cursor.at;
    bool escapes;
    if (!find_string_end(&reader->cursor, &escapes)) return false;
    const uint8_t *end = reader->cursor.at++;
    if (!escapes) return added(reader, push_text(column, from, end - from));
    uint8_t *room = room_for_bytes(column, end - from);
    if (!added(reader, room != NULL)) return false;
    column->size += unescape(room, from, end);
    return added(reader, push_end(column));
}

static Going read_string(Reader *reader, Column *column, int level) {
    if (*reader->cursor.at != '"') return read_raw(reader, column, level);
    reader->cursor.at++;
    return read_quoted(reader, column);
}

/* Says what a number's text is to those who want it as an integer or a double; `-0` is neither beyond doubt. */
static uint8_t form_of_number(const Number *number) {
    bool is_whole = number->fraction_end == number->fraction && !number->exponent;
    return is_whole && !(number->negative && *number->whole == '0') ? FORM_INTEGER : FORM_NUMBER;
}

/* Reads any value: a string's text, or another value's JSON text as it stands, and which of these it is. */
static Going read_any(Reader *reader, Column *column, int level) {
    Number number;
    const uint8_t *from = reader->cursor.at;
    uint8_t form = *from == '"' ? FORM_STRING : *from == 't' || *from == 'f' ? FORM_BOOLEAN : FORM_NESTED;
    if (scan_number(from, &number)) form = form_of_number(&number);
    if (!read_string(reader, column->child[0], level) || !added(reader, push_value(column->child[1], &form))) return false;
    return added(reader, push_struct(column));
}

/* ---- numbers ---- */

static Going read_boolean(Reader *reader, Column *column, int level) {
    uint8_t first = *reader->cursor.at;
    if (first != 't' && first != 'f') return leave(reader, column, reader->cursor.at, level);
    return skip_word(&reader->cursor, first == 't' ? "true" : "false") && added(reader, push_boolean(column, first == 't'));
}

static uint64_t digits_value(const uint8_t *from, const uint8_t *end, uint64_t value) {
    while (from < end) value = value * 10 + (uint64_t)(*from++ - '0');
    return value;
}

/* Returns where digits end that are no zeros at the end. */
static const uint8_t *significant_end(const uint8_t *from, const uint8_t *end) {
    while (end > from && end[-1] == '0') end--;
    return end;
}

static Going read_integer(Reader *reader, Column *column, int level) {
    Number number;
    const uint8_t *from = reader->cursor.at;
    if (!scan_number(from, &number) || number.exponent || number.whole_end - number.whole > INTEGER_DIGITS ||
        significant_end(number.fraction, number.fraction_end) > number.fraction)
        return leave(reader, column, from, level);
    int64_t value = (int64_t)digits_value(number.whole, number.whole_end, 0);
    if (number.negative) value = -value;
    reader->cursor.at = number.to;
    return added(reader, push_value(column, &value));
}

/* Finds the nearest double: of few digits by one exact division (Clinger 1990), of more by the C library. */
static bool to_double(const Reader *reader, const Number *number, double *value) {
    static const double powers[EXACT_DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int64_t places = number->fraction_end - number->fraction;
    if (!number->exponent && number->whole_end - number->whole + places <= EXACT_DIGITS) {
        uint64_t whole = digits_value(number->whole, number->whole_end, 0);
        *value = (double)digits_value(number->fraction, number->fraction_end, whole) / powers[places];
        if (number->negative) *value = -*value;
        return true;
    }
    char text[NUMBER_ROOM];
    size_t size = (size_t)(number->to - number->from);
    if (size >= sizeof text) return false;
    memcpy(text, number->from, size);
    text[size] = 0;
    *value = strtod_l(text, NULL, reader->plain_locale);
    return true;
}

static Going read_double(Reader *reader, Column *column, int level) {
    const double largest_exact = 9007199254740992.0; /* beyond it an integer may not be one that a double holds */
    Number number;
    double value;
    const uint8_t *from = reader->cursor.at;
    if (!scan_number(from, &number) || !to_double(reader, &number, &value)) return leave(reader, column, from, level);
    if (!(value < largest_exact && value > -largest_exact)) return leave(reader, column, from, level);
    reader->cursor.at = number.to;
    return added(reader, push_value(column, &value));
}

static Going read_decimal(Reader *reader, Column *column, int level) {
    Number number;
    const uint8_t *from = reader->cursor.at;
    bool is_quoted = *from == '"';
    if (!scan_number(from + is_quoted, &number) || number.exponent || (is_quoted && *number.to != '"'))
        return leave(reader, column, from, level);
    int64_t scale = column->node->scale, whole = number.whole_end - number.whole;
    if (*number.whole == '0') whole = 0;
    const uint8_t *fraction_end = significant_end(number.fraction, number.fraction_end);
    int64_t places = fraction_end - number.fraction;
    if (places > scale || whole > column->node->precision - scale) return leave(reader, column, from, level);
    unsigned __int128 value = 0; /* holds the 38 digits of the widest type */
    for (const uint8_t *at = number.whole; at < number.whole_end; at++) value = value * 10 + (unsigned)(*at - '0');
    for (const uint8_t *at = number.fraction; at < fraction_end; at++) value = value * 10 + (unsigned)(*at - '0');
    for (int64_t place = places; place < scale; place++) value *= 10;
    if (number.negative) value = -value;
    uint64_t halves[] = {(uint64_t)value, (uint64_t)(value >> 64)};
    reader->cursor.at = number.to + is_quoted;
    return added(reader, push_value(column, halves));
}

/* ---- instants ---- */

/* Reads an instant, bare or wrapped in an object of the one key `d_date`. */
static bool read_wrapped_instant(Cursor *cursor, int64_t *microseconds) {
    bool is_wrapped = *cursor->at == '{';
    if (is_wrapped) {
        cursor->at++;
        skip_blanks(cursor);
        if (!skip_word(cursor, "\"d_date\"") || !expect(cursor, ':')) return false;
        skip_blanks(cursor);
    }
    if (*cursor->at != '"') return false;
    cursor->at++;
    if (!read_instant(&cursor->at, microseconds)) return false;
    cursor->at++;
    return !is_wrapped || expect(cursor, '}');
}

static Going read_timestamp(Reader *reader, Column *column, int level) {
    int64_t microseconds;
    const uint8_t *from = reader->cursor.at;
    if (!read_wrapped_instant(&reader->cursor, &microseconds)) return leave(reader, column, from, level);
    return added(reader, push_value(column, &microseconds));
}

static Going read_date(Reader *reader, Column *column, int level) {
    const int64_t day = 86400000000LL;
    int64_t microseconds;
    const uint8_t *from = reader->cursor.at;
    if (!read_wrapped_instant(&reader->cursor, &microseconds) || microseconds % day != 0)
        return leave(reader, column, from, level);
    int32_t days = (int32_t)(microseconds / day);
    return added(reader, push_value(column, &days));
}

/* ---- objects and arrays ---- */

uint8_t slot_of(const uint8_t *name, size_t size) {
    return size ? (uint8_t)(size * 7 + name[0] * 3u + name[size - 1] * 5u + name[size / 2]) : 0;
}

static inline bool is_named(const Column *column, const uint8_t *name, size_t size) {
    return column->node->name_bytes == size && memcmp(column->node->name, name, size) == 0;
}

/* Returns the child of a name, NULL where it is not wanted. `guess` is the one that comes next in documents alike. */
static Column *child_named(Column *column, const uint8_t *name, size_t size, int32_t *guess) {
    const Node *node = column->node;
    if (*guess < node->children && is_named(column->child[*guess], name, size)) return column->child[(*guess)++];
    for (int32_t each = node->slot[slot_of(name, size)]; each >= 0; each = node->next[each]) {
        if (is_named(column->child[each], name, size)) {
            *guess = each + 1;
            return column->child[each];
        }
    }
    return NULL;
}

/* Reads a key and its colon. `child` is NULL where its value is not wanted. */
static Going read_key(Reader *reader, Column *column, int32_t *guess, Column **child) {
    bool escapes;
    uint8_t room[NAME_ROOM];
    if (!expect(&reader->cursor, '"')) return false;
    const uint8_t *name = reader->cursor.at;
    if (!find_string_end(&reader->cursor, &escapes)) return false;
    int64_t size = reader->cursor.at++ - name;
    if (escapes) {
        if (size > NAME_ROOM) return false;
        size = unescape(room, name, name + size);
        name = room;
    }
    *child = child_named(column, name, (size_t)size, guess);
    return expect(&reader->cursor, ':');
}

Going read_fields(Reader *reader, Column *column, int level) {
    int64_t row = column->rows;
    int32_t guess = 0;
    bool last = is_closed(&reader->cursor, '}');
    while (!last) {
        Column *child;
        if (!read_key(reader, column, &guess, &child)) return false;
        if (child == NULL ? reader->only_wanted : child->rows != row) return false; /* not declared, or there twice */
        if (!(child ? read_value(reader, child, level) : skip_value(&reader->cursor, level))) return false;
        if (!next_or_last(&reader->cursor, '}', &last)) return false;
    }
    for (int32_t each = 0; each < column->node->children; each++)
        if (column->child[each]->rows == row && !added(reader, push_null(column->child[each]))) return false;
    return true;
}

static Going read_branch(Reader *reader, Column *column, int level) {
    if (*reader->cursor.at != '{') return skip_value(&reader->cursor, level) && added(reader, push_null(column));
    reader->cursor.at++;
    if (!read_fields(reader, column, level + 1)) return false;
    column->rows++;
    return true;
}

static Going read_struct(Reader *reader, Column *column, int level) {
    if (*reader->cursor.at != '{') return leave(reader, column, reader->cursor.at, level);
    reader->cursor.at++;
    return read_fields(reader, column, level + 1) && added(reader, push_struct(column));
}

static Going read_list(Reader *reader, Column *column, int level) {
    if (*reader->cursor.at != '[') return leave(reader, column, reader->cursor.at, level);
    reader->cursor.at++;
    bool last = is_closed(&reader->cursor, ']');
    while (!last)
        if (!read_value(reader, column->child[0], level + 1) || !next_or_last(&reader->cursor, ']', &last)) return false;
    return added(reader, push_end(column));
}

static bool is_key_again(const Column *keys, int64_t one, int64_t other) {
    int32_t start = offset_at(keys, one), before = offset_at(keys, other), size = offset_at(keys, one + 1) - start;
    return offset_at(keys, other + 1) - before == size && memcmp(keys->bytes + start, keys->bytes + before, (size_t)size) == 0;
}

/* Reads an object's entries. One with a key twice, or with many keys to compare, is left to others. */
static Going read_map(Reader *reader, Column *column, int level) {
    const uint8_t *from = reader->cursor.at;
    if (*from != '{') return leave(reader, column, from, level);
    Column *entries = column->child[0], *keys = entries->child[0], *items = entries->child[1];
    int64_t first = entries->rows;
    bool is_left = false;
    reader->cursor.at++;
    bool last = is_closed(&reader->cursor, '}');
    while (!last) {
        if (!expect(&reader->cursor, '"') || !read_quoted(reader, keys) || !expect(&reader->cursor, ':')) return false;
        if (!read_value(reader, items, level + 1) || !added(reader, push_struct(entries))) return false;
        int64_t newest = entries->rows - 1;
        is_left |= newest - first >= MOST_KEYS;
        for (int64_t each = first; !is_left && each < newest; each++) is_left = is_key_again(keys, newest, each);
        if (!next_or_last(&reader->cursor, '}', &last)) return false;
    }
    if (!is_left) return added(reader, push_end(column));
    rewind_column(entries, first);
    mark_unfit(reader, column);
    return added(reader, push_null(column));
}

/* Reads a value, and the blanks before it, into a row more of a column. */
static Going read_value(Reader *reader, Column *column, int level) {
    Kind kind = column->node->kind;
    if (level >= MOST_LEVELS) return false;
    skip_blanks(&reader->cursor);
    if (*reader->cursor.at == 'n') return skip_word(&reader->cursor, "null") && added(reader, push_null(column));
    switch (kind) {
    case BRANCH:
        return read_branch(reader, column, level);
    case RAW:
        return read_raw(reader, column, level);
    case STRING:
        return read_string(reader, column, level);
    case BOOLEAN:
        return read_boolean(reader, column, level);
    case INTEGER:
        return read_integer(reader, column, level);
    case DOUBLE:
        return read_double(reader, column, level);
    case DECIMAL:
        return read_decimal(reader, column, level);
    case TIMESTAMP:
        return read_timestamp(reader, column, level);
    case DATE:
        return read_date(reader, column, level);
    case STRUCT:
        return read_struct(reader, column, level);
    case LIST:
        return read_list(reader, column, level);
    case MAP:
        return read_map(reader, column, level);
    case ANY:
        return read_any(reader, column, level);
    case FORM:
        break; /* stands below an any alone */
    }
    return false;
}
