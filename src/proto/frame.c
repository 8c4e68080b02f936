#include "proto/frame.h"

#include "base/err.h"

#define CLIENT FRAME_CLIENT
#define SERVER FRAME_SERVER
#define BOTH (FRAME_CLIENT | FRAME_SERVER)
#define LOGIN FRAME_ST_LOGIN
#define PENDING FRAME_ST_PENDING
#define OPEN FRAME_ST_OPEN

/*
 * Who may send what, and when its receiver takes it.  The client sends much
 * of this in PENDING too, but the server reads nothing in that state: what
 * came behind LOGIN is looked at in OPEN.
 */
static const struct rule {
	uint8_t type;
	uint8_t senders;
	uint8_t states;
	const char *name;
} rules[] = {
	{ FRAME_DISCONNECT, BOTH, LOGIN | PENDING | OPEN, "DISCONNECT" },
	{ FRAME_LOGIN, CLIENT, LOGIN, "LOGIN" },
	{ FRAME_LOGIN_FAILURE, SERVER, PENDING, "LOGIN_FAILURE" },
	{ FRAME_LOGIN_SUCCESS, SERVER, PENDING, "LOGIN_SUCCESS" },
	{ FRAME_BANNER, SERVER, PENDING, "BANNER" },
	{ FRAME_GLOBAL_REQUEST, BOTH, OPEN, "GLOBAL_REQUEST" },
	{ FRAME_REQUEST_SUCCESS, BOTH, OPEN, "REQUEST_SUCCESS" },
	{ FRAME_REQUEST_FAILURE, BOTH, OPEN, "REQUEST_FAILURE" },
	{ FRAME_OPEN, BOTH, OPEN, "CHANNEL_OPEN" },
	{ FRAME_OPEN_CONFIRMATION, BOTH, OPEN, "CHANNEL_OPEN_CONFIRMATION" },
	{ FRAME_OPEN_FAILURE, BOTH, OPEN, "CHANNEL_OPEN_FAILURE" },
	{ FRAME_WINDOW_ADJUST, BOTH, OPEN, "CHANNEL_WINDOW_ADJUST" },
	{ FRAME_DATA, BOTH, OPEN, "CHANNEL_DATA" },
	{ FRAME_EXTENDED_DATA, SERVER, OPEN, "CHANNEL_EXTENDED_DATA" },
	{ FRAME_EOF, BOTH, OPEN, "CHANNEL_EOF" },
	{ FRAME_CLOSE, BOTH, OPEN, "CHANNEL_CLOSE" },
	{ FRAME_CHANNEL_REQUEST, BOTH, OPEN, "CHANNEL_REQUEST" },
	{ FRAME_CHANNEL_SUCCESS, BOTH, OPEN, "CHANNEL_SUCCESS" },
	{ FRAME_CHANNEL_FAILURE, BOTH, OPEN, "CHANNEL_FAILURE" },
	{ FRAME_WINDOW_BLOCKED, BOTH, OPEN, "CHANNEL_WINDOW_BLOCKED" },
};

static const struct rule *
rule_of(uint8_t type)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].type == type)
			return &rules[i];
	}
	return NULL;
}

int
frame_allowed(uint8_t type, enum frame_role sender, enum frame_state state)
{
	const struct rule *rule = rule_of(type);

	if (rule == NULL)
		return ERR_TYPE;
	if ((rule->senders & sender) == 0)
		return ERR_REFUSED;
	if ((rule->states & state) == 0)
		return ERR_STATE;
	return 0;
}

const char *
frame_name(uint8_t type)
{
	const struct rule *rule = rule_of(type);

	return rule != NULL ? rule->name : "unknown";
}

void
frame_put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

uint32_t
frame_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

size_t
frame_begin(struct buf *b, uint8_t type)
{
	size_t start = b->len;

	buf_put_u32(b, 0);
	buf_put_u8(b, type);
	return start;
}

void
frame_end(struct buf *b, size_t start)
{
	if (buf_err(b) == 0)
		frame_put_u32(b->data + start,
		    (uint32_t)(b->len - start - 4));
}
