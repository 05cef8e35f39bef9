/* Columns that grow a value at a time, and the Arrow arrays that they become. Nothing here knows of JSON. */
#ifndef COLUMNS_H
#define COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

/* The Arrow C data interface: https://arrow.apache.org/docs/format/CDataInterface.html */
struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

/*
 * A branch is an object on the way to wanted values; it becomes no array. A map has one child, a struct of key and value; an
 * any is a struct of a value's text and its form.
 */
typedef enum { BRANCH, RAW, STRING, BOOLEAN, INTEGER, DOUBLE, DECIMAL, TIMESTAMP, DATE, FORM, STRUCT, LIST, MAP, ANY } Kind;

enum { SLOTS = 256 };

/* What is wanted: a tree of types, and where in a document each stands. */
typedef struct Node {
    Kind kind;
    int32_t want; /* number of the want that it belongs to, -1 of a branch */
    int32_t precision, scale;
    int32_t children;
    struct Node **child;
    char *name;
    uint32_t name_bytes;
    int16_t slot[SLOTS]; /* of a branch or struct: the first child whose name falls there, -1 where none does */
    int16_t *next;       /* by child: the next one of the same slot */
} Node;

typedef struct Column {
    const Node *node;
    int64_t rows, capacity;
    uint8_t *validity;           /* a bit a row */
    uint8_t *values;             /* booleans: a bit a row; texts, lists and maps: rows + 1 offsets; others: a value a row */
    uint8_t *bytes;              /* of texts */
    int64_t size, bytes_capacity;
    struct Column **child;
} Column;

/* All that add something return false without memory, or where an array cannot hold more (2 GB of text). */
bool push_null(Column *column);
bool push_value(Column *column, const void *value);
bool push_boolean(Column *column, bool value);
bool push_text(Column *column, const uint8_t *from, int64_t size);
bool push_struct(Column *column);
/* Adds the row of a text, list or map whose bytes or items have been added. */
bool push_end(Column *column);
/* Returns room for so many more bytes of a text, to be counted in `size` once they are there. */
uint8_t *room_for_bytes(Column *column, int64_t more);
/* Takes back all rows from this one on, and what was begun of one. */
void rewind_column(Column *column, int64_t rows);
int32_t offset_at(const Column *column, int64_t row);

Column *new_column(const Node *node);
void free_column(Column *column);
/* Moves a column's memory into an array; false without memory. */
bool move_column(Column *column, struct ArrowArray *array);

#endif
