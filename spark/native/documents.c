/*
 * Whole texts of JSON documents into Arrow arrays of the wanted values.
 *
 * What a value is worth under a type is said by spark/decode/exact.py. Here the same is done for what fits, and all else is
 * left to it: a value that may not fit is marked; a document that is odd in any way (it is no strict RFC 8259 object, has a
 * wanted key twice, a lone surrogate, hundreds of levels) is marked in every want and holds no row's worth of trust. So a
 * caller relies on this code's reading of plain text only, never on its judgement of any other.
 */
#include <stdlib.h>
#include <string.h>

#include "values.h"

#define EXPORT __attribute__((visibility("default")))

enum { NO_MEMORY = -1, NO_DOCUMENTS = -2 };

typedef struct {
    Node *root;
    int32_t wants;
} Plan;

static void free_node(Node *node) {
    if (node == NULL) return;
    for (int32_t each = 0; node->child && each < node->children; each++) free_node(node->child[each]);
    free(node->child);
    free(node->name);
    free(node->next);
    free(node);
}

/* Makes a node of the next numbers and name, and of those below it. */
static Node *new_node(const int32_t **numbers, const char **names) {
    Node *node = calloc(1, sizeof *node);
    if (node == NULL) return NULL;
    node->kind = (Kind)*(*numbers)++;
    node->want = *(*numbers)++;
    node->precision = *(*numbers)++;
    node->scale = *(*numbers)++;
    node->name_bytes = (uint32_t)*(*numbers)++;
    int32_t children = *(*numbers)++;
    node->name = malloc((size_t)node->name_bytes + 1);
    node->child = calloc((size_t)children + 1, sizeof *node->child);
    node->next = calloc((size_t)children + 1, sizeof *node->next);
    bool made = node->name && node->child && node->next;
    if (made) memcpy(node->name, *names, node->name_bytes);
    *names += node->name_bytes;
    memset(node->slot, -1, sizeof node->slot);
    for (; made && node->children < children; node->children++) {
        Node *child = new_node(numbers, names);
        if (!(made = child != NULL)) break;
        int16_t *slot = &node->slot[slot_of((const uint8_t *)child->name, child->name_bytes)];
        node->child[node->children] = child;
        node->next[node->children] = *slot;
        *slot = (int16_t)node->children;
    }
    if (made) return node;
    free_node(node);
    return NULL;
}

/*
 * Makes a plan of a tree in pre-order: of each node its kind, want, precision, scale, bytes of its name, and children (at
 * most 32,767); `names` are theirs in the same order. NULL without memory. To be freed by `free_plan`.
 */
EXPORT Plan *new_plan(const int32_t *numbers, const char *names, int32_t wants) {
    Plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) return NULL;
    plan->wants = wants;
    plan->root = new_node(&numbers, &names);
    if (plan->root) return plan;
    free(plan);
    return NULL;
}

EXPORT void free_plan(Plan *plan) {
    if (plan) free_node(plan->root);
    free(plan);
}

static bool move_wants(Column *column, struct ArrowArray *arrays) {
    for (int32_t each = 0; each < column->node->children; each++) {
        Column *child = column->child[each];
        bool is_moved = child->node->kind == BRANCH ? move_wants(child, arrays) : move_column(child, &arrays[child->node->want]);
        if (!is_moved) return false;
    }
    return true;
}

static Going read_document(Reader *reader, Column *root) {
    if (!expect(&reader->cursor, '{') || !read_fields(reader, root, 1)) return false;
    root->rows++;
    return true;
}

/* Leaves a document to others: nothing of it stays, and all its wants are marked. */
static bool leave_document(Reader *reader, Column *root, int32_t wants) {
    rewind_column(root, reader->row);
    for (int32_t want = 0; want < wants; want++) reader->unfit[want * reader->documents + reader->row] = 1;
    return push_null(root);
}

/* Reads documents that each end with a line feed. Returns how many are odd. */
static int64_t read_lines(Reader *reader, Column *root, int32_t wants) {
    int64_t odd = 0;
    for (reader->row = 0; reader->row < reader->documents; reader->row++) {
        const uint8_t *line_end = memchr(reader->cursor.at, '\n', (size_t)(reader->cursor.end - reader->cursor.at));
        if (line_end == NULL) return NO_DOCUMENTS;
        if (!read_document(reader, root) || !expect(&reader->cursor, '\n')) {
            if (reader->no_memory || !leave_document(reader, root, wants)) return NO_MEMORY;
            reader->cursor.at = line_end + 1;
            odd++;
        }
    }
    return reader->cursor.at == reader->cursor.end ? odd : NO_DOCUMENTS;
}

/* Reads documents with a comma between each two. Returns how many there are, none of them odd. */
static int64_t read_elements(Reader *reader, Column *root) {
    bool last = false;
    for (reader->row = 0; !last; reader->row++) {
        if (reader->row >= reader->documents || !read_document(reader, root)) break;
        skip_blanks(&reader->cursor);
        last = reader->cursor.at == reader->cursor.end;
        if (!last && *reader->cursor.at++ != ',') break;
    }
    return reader->no_memory ? NO_MEMORY : last ? reader->row : NO_DOCUMENTS;
}

/*
 * Reads a text, UTF-8 with a NUL behind it, of as many documents as `documents` says: one a line, or with commas between
 * them (then it is the most there may be), in which case an object with another key than those wanted is odd.
 *
 * `unfit` (wants x documents) gets 1 for each value to be judged by others, `arrays` (by want) their arrays, a row a document.
 * Returns how many lines are odd, or how many documents there are between commas, where none may be odd; -1 without memory
 * and -2 where the text is not of such documents: then there are no arrays.
 */
EXPORT int64_t read_documents(const Plan *plan, const uint8_t *text, int64_t size, int64_t documents, bool is_lines,
                              uint8_t *unfit, struct ArrowArray *arrays) {
    Reader reader = {
        .cursor = {.at = text, .end = text + size, .line_feed = is_lines ? ' ' : '\n'},
        .documents = documents,
        .unfit = unfit,
        .only_wanted = !is_lines,
        .plain_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0),
    };
    Column *root = new_column(plan->root);
    int64_t result = NO_MEMORY;
    memset(arrays, 0, sizeof *arrays * (size_t)plan->wants);
    if (root && reader.plain_locale) {
        result = is_lines ? read_lines(&reader, root, plan->wants) : read_elements(&reader, root);
        if (result >= 0 && !move_wants(root, arrays)) result = NO_MEMORY;
        for (int32_t want = 0; result < 0 && want < plan->wants; want++)
            if (arrays[want].release) arrays[want].release(&arrays[want]);
    }
    if (reader.plain_locale) freelocale(reader.plain_locale);
    free_column(root);
    return result;
}

/*
 * Finds the ends of lines that each have their line feed, and whether every line begins with `{` and ends with `}`; what lies
 * between is not looked at. Returns how many lines there are, also where these are more than the `capacity` of `ends`.
 */
EXPORT int64_t find_lines(const uint8_t *text, int64_t size, int64_t capacity, int64_t *ends, bool *regular) {
    const uint8_t *from = text, *end = text + size, *line_end;
    int64_t lines = 0;
    for (*regular = true; from < end && (line_end = memchr(from, '\n', (size_t)(end - from))); from = line_end + 1) {
        if (lines < capacity) ends[lines] = line_end - text;
        *regular &= *from == '{' && line_end[-(line_end > from)] == '}';
        lines++;
    }
    return lines;
}
