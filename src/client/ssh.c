#include "client/ssh.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/*
 * Each row: the values that make no difference (NULL: all of them), and why
 * any other is refused.  A row with `as` is a setting of ours by ssh's name.
 */
static const struct row {
	const char *name;
	const char *as;
	const char *harmless;	/* words between blanks; NULL: any */
	const char *refusal;
} rows[] = {
#define OURS(ssh, own) { ssh, own, NULL, NULL }
#define ANY(ssh) { ssh, NULL, NULL, NULL }
#define ONLY(ssh, words, why) { ssh, NULL, words, why }
	OURS("User", "account"),
	OURS("RequestTTY", "terminal"),
	OURS("IdentityFile", "identity"),
	OURS("PKCS11Provider", "module"),

	/* no password, no known hosts, one way to log in: no difference */
	ANY("AddKeysToAgent"),
	ANY("CheckHostIP"),
	ANY("ClearAllForwardings"),
	ANY("Compression"),
	ANY("ControlMaster"),
	ANY("ControlPath"),
	ANY("ControlPersist"),
	ANY("EnableSSHKeysign"),
	ANY("EscapeChar"),
	ANY("ExitOnForwardFailure"),
	ANY("FingerprintHash"),
	ANY("GlobalKnownHostsFile"),
	ANY("GSSAPIAuthentication"),
	ANY("GSSAPIDelegateCredentials"),
	ANY("HashKnownHosts"),
	ANY("HostbasedAuthentication"),
	ANY("IdentitiesOnly"),
	ANY("IdentityAgent"),
	ANY("IPQoS"),
	ANY("KbdInteractiveAuthentication"),
	ANY("ChallengeResponseAuthentication"),
	ANY("LogLevel"),
	ANY("NumberOfPasswordPrompts"),
	ANY("PasswordAuthentication"),
	ANY("PreferredAuthentications"),
	ANY("PubkeyAuthentication"),
	ANY("RekeyLimit"),
	ANY("StreamLocalBindUnlink"),
	ANY("TCPKeepAlive"),
	ANY("UpdateHostKeys"),
	ANY("UserKnownHostsFile"),
	ANY("VisualHostKey"),
	ANY("XAuthLocation"),

	ONLY("StrictHostKeyChecking", "yes ask", "a server that cannot prove "
	    "itself is always refused; name its authority with -o ca=FILE"),
	ONLY("VerifyHostKeyDNS", "no ask", "a server proves itself by its "
	    "certificate, not by DNS"),
	ONLY("ForwardAgent", "no", "there is no agent to forward"),
	ONLY("ForwardX11", "no", "X11 is not forwarded"),
	ONLY("ForwardX11Trusted", "no", "X11 is not forwarded"),
	ONLY("GatewayPorts", "no", "ports are not forwarded"),
	ONLY("LocalForward", "", "ports are not forwarded"),
	ONLY("RemoteForward", "", "ports are not forwarded"),
	ONLY("DynamicForward", "", "ports are not forwarded"),
	ONLY("Tunnel", "no", "there are no tunnels"),
	ONLY("PermitLocalCommand", "no", "no local command is run"),
	ONLY("LocalCommand", "none", "no local command is run"),
	ONLY("RemoteCommand", "none", "give the command behind the host"),
	ONLY("ForkAfterAuthentication", "no", "certlogin stays in the "
	    "foreground; use the shell's &"),
	ONLY("SessionType", "default", "use -s for a subsystem"),
	ONLY("ProxyCommand", "none", "connections are made directly"),
	ONLY("ProxyJump", "none", "connections are made directly"),
	ONLY("Host", "", "settings for one host are not known"),
	ONLY("HostName", "", "the server is checked by the name that is "
	    "given: give its true one"),
	ONLY("HostKeyAlias", "none", "the server is checked by the name that "
	    "is given: give its true one"),
	ONLY("CertificateFile", "none", "use -i CERT:KEY"),
	ONLY("BindAddress", "any", "connections are made from any address"),
	ONLY("BindInterface", "none", "connections are made from any "
	    "interface"),
	ONLY("Ciphers", "", "algorithms are those of TLS 1.3"),
	ONLY("MACs", "", "algorithms are those of TLS 1.3"),
	ONLY("KexAlgorithms", "", "algorithms are those of TLS 1.3"),
	ONLY("HostKeyAlgorithms", "", "algorithms are those of TLS 1.3"),
	ONLY("PubkeyAcceptedAlgorithms", "", "algorithms are those of TLS "
	    "1.3"),
	ONLY("CASignatureAlgorithms", "", "algorithms are those of TLS 1.3"),
};

static int
is_word_of(const char *value, const char *words)
{
	size_t n = strlen(value);

	while (*words != '\0') {
		size_t len = strcspn(words, " ");

		if (n == len && strncasecmp(words, value, n) == 0)
			return 1;
		words += len + (words[len] == ' ');
	}
	return 0;
}

int
ssh_option(const char *name, const char *value, const char **as,
    struct why *why)
{
	*as = NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (strcasecmp(r->name, name) != 0)
			continue;
		*as = r->as;
		if (r->as != NULL)
			return SSH_OURS;
		if (r->harmless == NULL || is_word_of(value, r->harmless))
			return SSH_IGNORED;
		return why_set(why, ERR_REFUSED, "%s=%s is refused: %s",
		    r->name, value, r->refusal);
	}
	return SSH_OURS;
}
