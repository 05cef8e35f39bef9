/* ISO 8601 text as microseconds since 1970 UTC; the same texts as `read_timestamp` of spark/decode/exact.py takes. */
#ifndef INSTANTS_H
#define INSTANTS_H

#include "json.h"

/* Returns the number of so many digits, -1 where one is none. */
static inline int32_t digits_at(const uint8_t *at, int count) {
    int32_t value = 0;
    for (int each = 0; each < count; each++) {
        if (!is_digit(at[each])) return -1;
        value = value * 10 + (at[each] - '0');
    }
    return value;
}

/* Days from 1970-01-01 to a day of the proleptic Gregorian calendar; years begin in March here, so leap days end them. */
static inline int64_t days_since_1970(int64_t year, int32_t month, int32_t day) {
    const int64_t to_1970 = 719468, days_of_400_years = 146097;
    year -= month <= 2;
    int64_t cycle = year / 400, year_of_cycle = year % 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return cycle * days_of_400_years + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year - to_1970;
}

static inline int32_t days_of_month(int32_t year, int32_t month) {
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* Reads a colon and two digits below 60, if a colon is next; false where what follows it is none. */
static inline bool read_sixtieth(const uint8_t **at, int32_t *value, bool *found) {
    *found = **at == ':';
    if (!*found) return true;
    *value = digits_at(*at + 1, 2);
    if (*value < 0 || *value > 59) return false;
    *at += 3;
    return true;
}

/* Reads the digits behind a second's point; false where there are none, or they are finer than a microsecond. */
static inline bool read_fraction(const uint8_t **at, int64_t *microseconds) {
    int places = 0;
    int64_t fraction = 0;
    for ((*at)++; is_digit(**at); (*at)++, places++) {
        if (places < 6) fraction = fraction * 10 + (**at - '0');
        else if (**at != '0') return false;
    }
    for (int place = places; place < 6; place++) fraction *= 10;
    *microseconds += fraction;
    return places > 0;
}

/* Reads a zone, if there is one. */
static inline bool read_zone(const uint8_t **at, int64_t *microseconds) {
    if (**at == 'Z') (*at)++;
    if (**at != '+' && **at != '-') return true;
    bool is_east = **at == '+';
    int32_t hours = digits_at(*at + 1, 2), minutes = 0;
    if (hours < 0 || hours > 23 || (*at)[-1] == 'Z') return false;
    *at += 3;
    bool colon = **at == ':';
    if (colon || is_digit(**at)) {
        minutes = digits_at(*at + colon, 2);
        if (minutes < 0 || minutes > 59) return false;
        *at += 2 + colon;
    }
    int64_t offset = (hours * 60 + minutes) * 60000000LL;
    *microseconds += is_east ? -offset : offset;
    return true;
}

/* Reads a time of day, as far as it goes, and its zone. */
static inline bool read_time(const uint8_t **at, int64_t *microseconds) {
    int32_t hour = digits_at(*at, 2), minute = 0, second = 0;
    bool found;
    if (hour < 0 || hour > 23) return false;
    *at += 2;
    if (!read_sixtieth(at, &minute, &found)) return false;
    if (found && !read_sixtieth(at, &second, &found)) return false;
    *microseconds += ((hour * 60 + minute) * 60 + second) * 1000000LL;
    if (found && **at == '.' && !read_fraction(at, microseconds)) return false;
    return read_zone(at, microseconds);
}

/* Moves behind an instant, up to its closing quote; false where it is none, or not of the years 1 to 9999. */
static inline bool read_instant(const uint8_t **at, int64_t *microseconds) {
    const int64_t first = -62135596800000000LL, after_last = 253402300800000000LL;
    int32_t year = digits_at(*at, 4);
    if (year < 1 || (*at)[4] != '-') return false;
    int32_t month = digits_at(*at + 5, 2);
    if (month < 1 || month > 12 || (*at)[7] != '-') return false;
    int32_t day = digits_at(*at + 8, 2);
    if (day < 1 || day > days_of_month(year, month)) return false;
    *at += 10;
    *microseconds = days_since_1970(year, month, day) * 86400000000LL;
    if (**at == ' ' || **at == 'T') {
        (*at)++;
        if (!read_time(at, microseconds)) return false;
    }
    return **at == '"' && *microseconds >= first && *microseconds < after_last;
}

#endif
