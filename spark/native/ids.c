/*
 * Ids as they compare, hashed: of documents, and of the producer's manifests.
 *
 * What makes two ids equal is said by spark/sources/ids.py, and what a record is by spark/sources/manifest.py. Here the same is
 * done for plain ones: an object of one key and a string that needs no change, on a record of eight fields on one line. All
 * else is left to them: a caller asks there as soon as one of many is not plain.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { LEFT = -1, KEY_ROOM = 1024, BARS_BEHIND_ID = 6 };

/* ---- XXH64, seed 0: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md ---- */

static const uint64_t P1 = 0x9E3779B185EBCA87, P2 = 0xC2B2AE3D27D4EB4F, P3 = 0x165667B19E3779F9, P4 = 0x85EBCA77C2B2AE63,
                      P5 = 0x27D4EB2F165667C5;

static uint64_t rotated(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

/* Both kinds of node, x86_64 and aarch64, have the least byte first, as the hash wants it. */
static uint64_t eight_bytes(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t four_bytes(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint64_t mixed(uint64_t lane, uint64_t input) { return rotated(lane + input * P2, 31) * P1; }

static uint64_t xxh64(const uint8_t *at, int64_t size) {
    const uint8_t *end = at + size;
    uint64_t hash = P5;
    if (size >= 32) {
        uint64_t lane[] = {P1 + P2, P2, 0, 0 - P1};
        for (; end - at >= 32; at += 32)
            for (int each = 0; each < 4; each++) lane[each] = mixed(lane[each], eight_bytes(at + 8 * each));
        hash = rotated(lane[0], 1) + rotated(lane[1], 7) + rotated(lane[2], 12) + rotated(lane[3], 18);
        for (int each = 0; each < 4; each++) hash = (hash ^ mixed(0, lane[each])) * P1 + P4;
    }
    hash += (uint64_t)size;
    for (; end - at >= 8; at += 8) hash = rotated(hash ^ mixed(0, eight_bytes(at)), 27) * P1 + P4;
    if (end - at >= 4) {
        hash = rotated(hash ^ four_bytes(at) * P1, 23) * P2 + P3;
        at += 4;
    }
    for (; at < end; at++) hash = rotated(hash ^ *at * P5, 11) * P1;
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}

/* ---- plain ids and records ---- */

static bool is_word(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
}

/* Whether what stands here is renamed by the producer. */
static bool is_renamed(const uint8_t *at, const uint8_t *end) {
    return *at == '_' && end - at >= 9 && memcmp(at, "_archived", 9) == 0;
}

/* Whether an id is `{"<word>":"<text>"}` and its own comparison key. */
static bool is_plain(const uint8_t *at, const uint8_t *end) {
    if (end - at < 8 || *at++ != '{' || *at++ != '"' || !is_word(*at)) return false;
    for (; at < end && is_word(*at); at++)
        if (is_renamed(at, end)) return false;
    if (end - at < 5 || memcmp(at, "\":\"", 3) != 0) return false;
    for (at += 3; at < end && *at != '"'; at++)
        if (*at < 0x20 || *at == '\\' || *at == '$' || is_renamed(at, end)) return false;
    return end - at == 2 && at[1] == '}';
}

/* Moves over a field up to its bar; false where there is none. */
static bool skip_field(const uint8_t **at, const uint8_t *end) {
    const uint8_t *bar = memchr(*at, '|', (size_t)(end - *at));
    *at = bar + 1;
    return bar != NULL;
}

/* Whether this is `<time>|<database>|<collection>|EXPORT|<type>|<original id>|<type>`, with every quoted field ended. */
static bool is_rest_of_record(const uint8_t *at, const uint8_t *end) {
    int64_t bars = 0, quotes = 0, returns = 0;
    for (const uint8_t *each = at; each < end; each++) {
        bars += *each == '|';
        quotes += *each == '"';
        returns += *each == '\r';
    }
    if (bars != BARS_BEHIND_ID || quotes % 2 || returns) return false;
    const uint8_t *time = at;
    while (*at >= '0' && *at <= '9') at++;
    if (at == time || *at++ != '|') return false;
    return skip_field(&at, end) && skip_field(&at, end) && end - at >= 7 && memcmp(at, "EXPORT|", 7) == 0;
}

/* Moves over a field that holds no quote, up to its bar; false where it is otherwise. */
static bool skip_bare_field(const uint8_t **at, const uint8_t *end) {
    for (const uint8_t *each = *at; each < end && *each != '"' && *each != '\r'; each++)
        if (*each == '|') {
            *at = each + 1;
            return true;
        }
    return false;
}

/* Whether a rest of a record is the usual one, whose original id is the first field again: quicker than to count. */
static bool is_usual_rest(const uint8_t *at, const uint8_t *end, const uint8_t *id, int64_t id_size) {
    const uint8_t *time = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    if (at == time || at == end || *at++ != '|' || !skip_bare_field(&at, end) || !skip_bare_field(&at, end)) return false;
    if (end - at < 7 || memcmp(at, "EXPORT|", 7) != 0) return false;
    at += 7;
    if (!skip_bare_field(&at, end) || end - at < id_size || memcmp(at, id, (size_t)id_size) != 0) return false;
    for (at += id_size; at < end; at++)
        if (*at == '|' || *at == '"' || *at == '\r') return false;
    return true;
}

/* Writes the comparison key of a line's id, which is quoted as CSV has it, and returns its bytes; LEFT where it is not plain. */
static int64_t read_key(const uint8_t *at, const uint8_t *end, uint8_t *key) {
    const uint8_t *line = at;
    uint8_t *to = key, *room_end = key + KEY_ROOM;
    if (end - at < 4 || memcmp(at, "\"{\"\"", 4) != 0) return LEFT;
    *to++ = '{';
    *to++ = '"';
    for (at += 4; at < end && (is_word(*at) || *at == '$') && room_end - to > 16; at++) {
        if (*at == '$') *to++ = 'd';
        *to++ = *at == '$' ? '_' : *at;
    }
    if (end - at < 5 || memcmp(at, "\"\":\"\"", 5) != 0) return LEFT;
    memcpy(to, "\":\"", 3);
    to += 3;
    const uint8_t *value = at + 5, *value_end = memchr(value, '"', (size_t)(end - value));
    if (value_end == NULL || end - value_end < 5 || memcmp(value_end, "\"\"}\"|", 5) != 0) return LEFT;
    int64_t size = value_end - value;
    if (room_end - to < size + 2 || memchr(value, '|', (size_t)size) != NULL) return LEFT;
    memcpy(to, value, (size_t)size);
    to += size;
    *to++ = '"';
    *to++ = '}';
    const uint8_t *rest = value_end + 5;
    bool is_record = is_usual_rest(rest, end, line, rest - line) || is_rest_of_record(rest, end);
    return is_plain(key, to) && is_record ? to - key : LEFT;
}

/* Hashes ids that lie one behind the other, `offsets` between them (one more than ids); false if one of them is not plain. */
EXPORT bool hash_ids(const uint8_t *bytes, const int32_t *offsets, int64_t ids, uint64_t *hashes) {
    for (int64_t each = 0; each < ids; each++) {
        const uint8_t *from = bytes + offsets[each], *to = bytes + offsets[each + 1];
        if (!is_plain(from, to)) return false;
        hashes[each] = xxh64(from, to - from);
    }
    return true;
}

/*
 * Hashes the ids of records that each end with a line feed; returns how many there are, LEFT if one of them is not plain or
 * there are more than `capacity`.
 */
EXPORT int64_t hash_records(const uint8_t *at, int64_t size, int64_t capacity, uint64_t *hashes) {
    uint8_t key[KEY_ROOM];
    const uint8_t *end = at + size;
    int64_t records = 0;
    for (; at < end; records++) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        int64_t key_bytes = line_end == NULL || records == capacity ? LEFT : read_key(at, line_end, key);
        if (key_bytes == LEFT) return LEFT;
        hashes[records] = xxh64(key, key_bytes);
        at = line_end + 1;
    }
    return records;
}
