/*
 * Rules as records of a database (db.h), so that a decision reads only those
 * that may fit: a rule is found by the value of one of its matchers, or, where
 * all of them hold a wild part, by its pattern among those of its authority and
 * matcher.  Values are the certificate's, lower-case where their case does not
 * count: in a deny, and where the authority has fold-case for the field.
 *
 * All keys begin with two bytes, kind and set (COMPILED_MAP, ...):
 *
 *	R	uint32 number of a rule in its file, from 0: the rule
 *	F	byte deny, byte matcher, string authority, value without length:
 *		uint32 numbers of rules, upwards
 *	P	byte deny, byte matcher, string authority: n times { uint32
 *		number; text pattern }, upwards
 *	A	string authority: uint32 each of allows looked at, denies looked
 *		at, allows by F, denies by F, allows by P, denies by P: bits 1 <<
 *		matcher.  Without one the authority has no rules.
 *
 * A text is a string that ends in its only NUL.
 */
#ifndef IDMAP_COMPILED_H
#define IDMAP_COMPILED_H

#include "idmap/db.h"
#include "idmap/map.h"
#include "idmap/ruleset.h"

enum compiled_set { COMPILED_MAP = 'm', COMPILED_LOCKS = 'l' };

/* Add the rules of map that belong to one of the n authorities, whose names
 * must differ.  0, ERR_NOMEM, or as db_add(). */
int compiled_put(struct db_maker *m, enum compiled_set set,
    const struct map *map, const struct map_authority *authority, size_t n);

/* The rules of a set, read where they lie. */
struct ruleset compiled_ruleset(const struct db *db, enum compiled_set set);

#endif
