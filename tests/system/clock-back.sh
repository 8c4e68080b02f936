#!/bin/bash
# A clock that is set back revives nothing that the CAs' CRLs have shown to be
# past: an expired certificate, a rule with until=, a stale CRL stay refused,
# by a running certlogind, across its restart, and by the PAM module.
# limit: 240
set -eu
# shellcheck source=tests/lib/pam.sh
. "$SRC/tests/lib/pam.sh"
# shellcheck source=tests/lib/clock.sh
. "$SRC/tests/lib/clock.sh"

# at HOURS: an openssl time
at()
{
	date -u -d "$1 hours" +%Y%m%d%H%M%SZ
}

# authority NAME FILE…: one more, with these CRLs; its CA is in $R/NAME
authority()
{
	local name=$1 file

	shift
	{
		printf '\n[authority %s]\nclass = user\n' "$name"
		echo "anchor = ca/$name.crt"
		echo "names = uri=spiffe://$name.example/user/*"
		if [ $# -eq 0 ]; then
			echo 'revocation = none'
		fi
		for file; do
			echo "crl = crl/$file"
		done
	} >>"$R/etc/trust.conf"
}

# old_ca DIR SUBJECT: a CA whose certificate is ten days old
old_ca()
{
	lab_ca "$1" "$2"
	openssl req -new -subj "$2" -key "$1/ca.key" -out "$1/ca.csr"
	cat >"$1/ca.ext" <<-'END2'
	[v]
	basicConstraints = critical,CA:TRUE
	keyUsage = critical,keyCertSign,cRLSign
	subjectKeyIdentifier = hash
	END2
	openssl ca -config "$1/ca.conf" -batch -notext -selfsign \
	    -keyfile "$1/ca.key" -in "$1/ca.csr" -startdate "$(at -240)" \
	    -days 3650 -extfile "$1/ca.ext" -extensions v \
	    -out "$1/ca.crt" >"$1/ca.log" 2>&1 || give_up "no old CA"
}

# person AUTHORITY NAME DIR LINE…: a certificate $R/NAME of this CA
person()
{
	lab_issue "$3" "$2" \
	    "subjectAltName=URI:spiffe://$1.example/user/alice" "${@:4}"
}

# allow NAME AUTHORITY [CONDITION]: as alice, by its serial number
allow()
{
	local serial

	serial=$(openssl x509 -in "$R/$1/$1.crt" -noout -serial)
	echo "allow user $2 serial=${serial#*=} as alice ${3:-}" \
	    >>"$R/etc/identity.map"
}

# in_by_file NAME, out_by_file NAME PERSON LOG: alice by PAM with this file
in_by_file()
{
	file_of "$1" alice
	lets_in alice try "$PASS"
}

out_by_file()
{
	file_of "$1" alice
	keeps_out "$2" "$3" alice try "$PASS"
	not_asked
}

# all_refused: what the clock must not revive, at every door
all_refused()
{
	refused expired alice expired expired
	refused ruled alice 'has ended' 'ended'
	refused stale alice 'revo|CRL' 'CRL'
	out_by_file expired expired expired
	out_by_file ruled 'has ended' ended
	out_by_file stale 'revo|CRL' CRL
}

pam_make
service try source=file file=%h/id.pem

# two anchors, one with a fresh CRL, one with a stale one
old_ca "$R/lab" '/CN=Lab one'
old_ca "$R/lab2" '/CN=Lab two'
cat "$R/lab/ca.crt" "$R/lab2/ca.crt" >"$R/etc/ca/lab.crt"
lab_crl "$R/lab" "$R/etc/crl/one.crl"
lab_crl "$R/lab2" "$R/etc/crl/two.crl" -crl_lastupdate "$(at -48)" \
    -crl_nextupdate "$(at -12)"
authority lab one.crl two.crl
# the control: nobody ever verified a time of this one
old_ca "$R/free" '/CN=Free'
cp "$R/free/ca.crt" "$R/etc/ca/free.crt"
authority free
person lab good "$R/lab" from="$(at -96)"
person lab ruled "$R/lab" from="$(at -96)"
person lab expired "$R/lab" from="$(at -96)" to="$(at -24)"
person lab stale "$R/lab2" from="$(at -96)"
person free forgotten "$R/free" from="$(at -96)" to="$(at -24)"
allow good lab
allow expired lab
allow stale lab
past="until=$(date -u -d '2 days ago' +%F)"
allow forgotten free "$past"
allow ruled lab "$past"

echo "the clock is right"
daemon_start
admitted good alice
in_by_file good
refused forgotten alice expired expired
all_refused
daemon_stop

echo "set back by three days: by a clock alone they would be good again"
clock_begin
clock_set -72
daemon_start
admitted forgotten alice
in_by_file forgotten
echo "... and are refused all the same"
all_refused
admitted good alice
in_by_file good

echo "across a restart, and set while certlogind runs"
daemon_stop
daemon_start
all_refused
clock_set 0
daemon_stop
daemon_start
admitted good alice
clock_set -72
daemon_reload
all_refused
admitted good alice

echo "the CRL itself is gone: its time is not"
mv "$R/etc/crl/one.crl" "$R/one.crl"
daemon_stop
daemon_start
refused expired alice expired expired
out_by_file expired expired expired
mv "$R/one.crl" "$R/etc/crl/one.crl"
daemon_reload
admitted good alice
clock_end
daemon_stop
