/* JSON values into columns: what a value is worth under a type, for all that fits. */
#ifndef VALUES_H
#define VALUES_H

#include <locale.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "columns.h"
#include "json.h"

typedef struct {
    Cursor cursor;
    int64_t row;              /* the document's */
    int64_t documents;        /* of the text */
    uint8_t *unfit;           /* by want and document: whether a value may not fit */
    bool only_wanted;         /* an object with another key is odd */
    bool no_memory;
    locale_t plain_locale;
} Reader;

/* Returns the slot of a node in which a name is looked for. */
uint8_t slot_of(const uint8_t *name, size_t size);

/* Reads the fields of an object, from behind its brace, into a row more of each child of a branch or struct. */
Going read_fields(Reader *reader, Column *column, int level);

#endif
