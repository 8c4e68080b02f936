/*
 * The subcommands, a file each.  0: done; positive: exit status, all was said
 * already; negative: an error with why.
 */
#ifndef CA_CMD_H
#define CA_CMD_H

#include "base/err.h"
#include "ca/opts.h"

int cmd_init(const struct opts *o, struct why *why);
int cmd_issue(const struct opts *o, struct why *why);
int cmd_sign(const struct opts *o, struct why *why);
int cmd_revoke(const struct opts *o, struct why *why);
int cmd_crl(const struct opts *o, struct why *why);
int cmd_list(const struct opts *o, struct why *why);
int cmd_show(const struct opts *o, struct why *why);
int cmd_export(const struct opts *o, struct why *why);
int cmd_check(const struct opts *o, struct why *why);

#endif
