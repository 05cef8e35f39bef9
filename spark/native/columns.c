#include "columns.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_AT_FIRST = 256, BYTES_AT_FIRST = 4096, MOST_BUFFERS = 3 };

static bool has_offsets(Kind kind) { return kind == RAW || kind == STRING || kind == LIST || kind == MAP; }

static bool is_struct(Kind kind) { return kind == STRUCT || kind == ANY; }

static bool has_bytes(Kind kind) { return kind == RAW || kind == STRING; }

/* Bytes of a value in `values`; 0 of what has none, or bits. */
static int width_of(Kind kind) {
    switch (kind) {
    case INTEGER:
    case DOUBLE:
    case TIMESTAMP:
        return 8;
    case DECIMAL:
        return 16;
    case DATE:
        return 4;
    case FORM:
        return 1;
    default:
        return has_offsets(kind) ? 4 : 0;
    }
}

static bool grow(uint8_t **block, int64_t bytes) {
    uint8_t *larger = realloc(*block, (size_t)bytes);
    if (larger == NULL) return false;
    *block = larger;
    return true;
}

/* Makes room for a row more. */
static bool reserve(Column *column) {
    if (column->rows < column->capacity) return true;
    Kind kind = column->node->kind;
    int width = width_of(kind);
    int64_t capacity = column->capacity ? column->capacity * 2 : ROWS_AT_FIRST;
    if (!grow(&column->validity, capacity / 8)) return false;
    if (kind == BOOLEAN && !grow(&column->values, capacity / 8)) return false;
    if (width && !grow(&column->values, (capacity + 1) * width)) return false;
    if (has_offsets(kind) && column->capacity == 0) memset(column->values, 0, 4);
    column->capacity = capacity;
    return true;
}

static void set_bit(uint8_t *bits, int64_t row, bool value) {
    uint8_t mask = (uint8_t)(1u << (row & 7));
    bits[row >> 3] = value ? bits[row >> 3] | mask : bits[row >> 3] & (uint8_t)~mask;
}

int32_t offset_at(const Column *column, int64_t row) {
    int32_t offset = 0;
    if (column->values) memcpy(&offset, column->values + row * 4, 4);
    return offset;
}

uint8_t *room_for_bytes(Column *column, int64_t more) {
    int64_t wanted = column->size + more;
    if (wanted > INT32_MAX) return NULL;
    if (column->bytes == NULL || wanted > column->bytes_capacity) {
        int64_t capacity = column->bytes_capacity ? column->bytes_capacity : BYTES_AT_FIRST;
        while (capacity < wanted) capacity *= 2;
        if (!grow(&column->bytes, capacity)) return NULL;
        column->bytes_capacity = capacity;
    }
    return column->bytes + column->size;
}

bool push_null(Column *column) {
    const Node *node = column->node;
    if (node->kind == BRANCH || is_struct(node->kind)) {
        for (int32_t each = 0; each < node->children; each++)
            if (!push_null(column->child[each])) return false;
        if (node->kind == BRANCH) {
            column->rows++;
            return true;
        }
    }
    if (!reserve(column)) return false;
    int width = width_of(node->kind);
    set_bit(column->validity, column->rows, false);
    if (node->kind == BOOLEAN) set_bit(column->values, column->rows, false);
    else if (has_offsets(node->kind)) memcpy(column->values + (column->rows + 1) * 4, column->values + column->rows * 4, 4);
    else if (width) memset(column->values + column->rows * width, 0, (size_t)width);
    column->rows++;
    return true;
}

bool push_value(Column *column, const void *value) {
    if (!reserve(column)) return false;
    int width = width_of(column->node->kind);
    set_bit(column->validity, column->rows, true);
    memcpy(column->values + column->rows * width, value, (size_t)width);
    column->rows++;
    return true;
}

bool push_boolean(Column *column, bool value) {
    if (!reserve(column)) return false;
    set_bit(column->validity, column->rows, true);
    set_bit(column->values, column->rows, value);
    column->rows++;
    return true;
}

bool push_struct(Column *column) {
    if (!reserve(column)) return false;
    set_bit(column->validity, column->rows, true);
    column->rows++;
    return true;
}

bool push_end(Column *column) {
    int64_t end = has_bytes(column->node->kind) ? column->size : column->child[0]->rows;
    if (end > INT32_MAX || !reserve(column)) return false;
    int32_t offset = (int32_t)end;
    set_bit(column->validity, column->rows, true);
    column->rows++;
    memcpy(column->values + column->rows * 4, &offset, 4);
    return true;
}

bool push_text(Column *column, const uint8_t *from, int64_t size) {
    uint8_t *room = room_for_bytes(column, size);
    if (room == NULL) return false;
    memcpy(room, from, (size_t)size);
    column->size += size;
    return push_end(column);
}

void rewind_column(Column *column, int64_t rows) {
    const Node *node = column->node;
    bool is_long = has_offsets(node->kind) && !has_bytes(node->kind);
    int64_t inner = is_long ? offset_at(column, rows) : rows;
    for (int32_t each = 0; each < node->children; each++) rewind_column(column->child[each], inner);
    if (has_bytes(node->kind)) column->size = offset_at(column, rows);
    column->rows = rows;
}

/* ---- memory ---- */

Column *new_column(const Node *node) {
    Column *column = calloc(1, sizeof *column);
    if (column == NULL) return NULL;
    column->node = node;
    column->child = calloc((size_t)node->children + 1, sizeof *column->child);
    for (int32_t each = 0; column->child && each < node->children; each++)
        if ((column->child[each] = new_column(node->child[each])) == NULL) break;
    if (column->child == NULL || (node->children && column->child[node->children - 1] == NULL)) {
        free_column(column);
        return NULL;
    }
    return column;
}

void free_column(Column *column) {
    if (column == NULL) return;
    for (int32_t each = 0; column->child && each < column->node->children; each++) free_column(column->child[each]);
    free(column->child);
    free(column->validity);
    free(column->values);
    free(column->bytes);
    free(column);
}

static void release(struct ArrowArray *array) {
    for (int64_t each = 0; array->buffers && each < array->n_buffers; each++) free((void *)array->buffers[each]);
    for (int64_t each = 0; array->children && each < array->n_children; each++) {
        struct ArrowArray *child = array->children[each];
        if (child && child->release) child->release(child);
        free(child);
    }
    free(array->buffers);
    free(array->children);
    array->release = NULL;
}

static int64_t count_nulls(const Column *column) {
    int64_t nulls = 0;
    for (int64_t row = 0; row < column->rows; row++) nulls += !(column->validity[row >> 3] >> (row & 7) & 1);
    return nulls;
}

/* Gives a block away; an array wants one even where there is nothing in it. */
static void *give(uint8_t **block) {
    void *given = *block ? *block : calloc(2, sizeof(int64_t));
    *block = NULL;
    return given;
}

bool move_column(Column *column, struct ArrowArray *array) {
    const Node *node = column->node;
    memset(array, 0, sizeof *array);
    array->length = column->rows;
    array->n_buffers = is_struct(node->kind) ? 1 : has_bytes(node->kind) ? 3 : 2;
    array->n_children = node->children;
    array->release = release;
    array->buffers = calloc(MOST_BUFFERS, sizeof *array->buffers);
    array->children = calloc((size_t)node->children + 1, sizeof *array->children);
    bool done = array->buffers && array->children;
    for (int32_t each = 0; done && each < node->children; each++) {
        array->children[each] = calloc(1, sizeof **array->children);
        done = array->children[each] && move_column(column->child[each], array->children[each]);
    }
    if (done && (array->null_count = count_nulls(column)) > 0) array->buffers[0] = give(&column->validity);
    if (done && !is_struct(node->kind)) done = (array->buffers[1] = give(&column->values)) != NULL;
    if (done && has_bytes(node->kind)) done = (array->buffers[2] = give(&column->bytes)) != NULL;
    if (!done) release(array);
    return done;
}
