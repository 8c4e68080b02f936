# shellcheck shell=bash
# Certificates that no proper CA would make, by openssl.  Needs realm.sh.
#
#	lab_ca DIR SUBJECT [KEY]	a CA: DIR/ca.crt, DIR/ca.key
#	lab_issue DIR NAME [LINE…]	$R/NAME/NAME.crt and .key from that CA
#	lab_crl DIR FILE [OPTION…]	its CRL
#
# A LINE is NAME=VALUE: an X.509 extension (an empty value leaves out one of
# the usual), or md=, key=, from=, to=, days=, subject=.

# lab_key KIND FILE
lab_key()
{
	case $1 in
	rsa*) openssl genpkey -quiet -algorithm RSA \
		-pkeyopt "rsa_keygen_bits:${1#rsa}" -out "$2" ;;
	ed25519) openssl genpkey -algorithm ED25519 -out "$2" ;;
	*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$1" \
		-out "$2" ;;
	esac
	chmod 0600 "$2"
}

lab_config()
{
	cat >"$1/ca.conf" <<-END
	[ca]
	default_ca = lab
	[lab]
	database = $1/index.txt
	new_certs_dir = $1
	certificate = $1/ca.crt
	private_key = $1/ca.key
	crlnumber = $1/crlnumber
	rand_serial = yes
	unique_subject = no
	policy = any
	default_md = sha256
	default_crl_days = 14
	crl_extensions = crl
	[any]
	commonName = optional
	[crl]
	authorityKeyIdentifier = keyid
	END
}

# It may sign handshakes, too, so that TLS itself lets the anchor through to
# whoever judges it.
lab_ca()
{
	local dir=$1

	mkdir -p "$dir"
	lab_key "${3:-P-256}" "$dir/ca.key"
	openssl req -new -x509 -days 3650 -subj "$2" -key "$dir/ca.key" \
	    -addext basicConstraints=critical,CA:TRUE \
	    -addext keyUsage=critical,digitalSignature,keyCertSign,cRLSign \
	    -out "$dir/ca.crt" 2>/dev/null
	: >"$dir/index.txt"
	echo 01 >"$dir/crlnumber"
	lab_config "$dir"
}

lab_issue()
{
	local dir=$1 name=$2 line out=$R/$2 options=()
	local md=sha256 key=P-256 from='' to='' subject="/CN=$2" days=30
	local -A ext=(
		[basicConstraints]='critical,CA:FALSE'
		[keyUsage]='critical,digitalSignature'
		[extendedKeyUsage]=clientAuth
		[subjectKeyIdentifier]=hash
		[authorityKeyIdentifier]=keyid
		[subjectAltName]=URI:spiffe://lab.example/user/alice
	)

	shift 2
	for line in "$@"; do
		case $line in
		md=*) md=${line#*=} ;;
		key=*) key=${line#*=} ;;
		from=*) from=${line#*=} ;;
		to=*) to=${line#*=} ;;
		days=*) days=${line#*=} ;;
		subject=*) subject=${line#*=} ;;
		*) ext[${line%%=*}]=${line#*=} ;;
		esac
	done
	mkdir -p "$out"
	lab_key "$key" "$out/$name.key"
	openssl req -new -subj "$subject" -key "$out/$name.key" \
	    -out "$out/$name.csr"
	{
		echo "[v]"
		for line in "${!ext[@]}"; do
			[ -z "${ext[$line]}" ] || echo "$line=${ext[$line]}"
		done
	} >"$out/$name.ext"
	[ -z "$from" ] || options+=(-startdate "$from")
	if [ -n "$to" ]; then
		options+=(-enddate "$to")
	else
		options+=(-days "$days")
	fi
	openssl ca -config "$dir/ca.conf" -batch -notext -md "$md" \
	    -extfile "$out/$name.ext" -extensions v "${options[@]}" \
	    -in "$out/$name.csr" -out "$out/$name.crt" \
	    >"$out/openssl.log" 2>&1 || {
		cat "$out/openssl.log"
		give_up "openssl made no certificate for $name"
	}
	[ ! -f "$R/alice/ca.crt" ] || cp "$R/alice/ca.crt" "$out/ca.crt"
}

# lab_long DIR NAME N: like lab_issue, with N more OUs of 60 bytes in the
# subject
lab_long()
{
	local dir=$1 name=$2 out=$R/$2 ou

	lab_issue "$dir" "$name"
	ou=$(printf 'c%.0s' {1..60})
	openssl req -new -key "$out/$name.key" -out "$out/$name.csr" \
	    -subj "$(yes "/OU=$ou" | head -n "$3" | tr -d '\n')/CN=carol"
	openssl x509 -req -in "$out/$name.csr" -CA "$dir/ca.crt" \
	    -CAkey "$dir/ca.key" -days 9 -extfile "$out/$name.ext" \
	    -extensions v -out "$out/$name.crt" 2>/dev/null ||
	    give_up "openssl made no certificate for $name"
}

lab_revoke()
{
	openssl ca -config "$1/ca.conf" -revoke "$R/$2/$2.crt" 2>/dev/null
}

lab_crl()
{
	local dir=$1 file=$2

	shift 2
	openssl ca -config "$dir/ca.conf" -gencrl -out "$file" "$@" \
	    2>"$dir/crl.log" || {
		cat "$dir/crl.log"
		give_up "openssl made no CRL"
	}
}

# lab_der STRING…: a subjectAltName of URIs, as hex for openssl's DER:, for
# bytes that its own syntax does not let through (\xNN as in printf)
lab_der()
{
	python3 - "$@" <<-'END'
	import sys
	def tlv(tag, body):
	    n = len(body)
	    size = bytes([n]) if n < 128 else bytes([0x82, n >> 8, n & 255])
	    return bytes([tag]) + size + body
	uris = [a.encode().decode("unicode_escape").encode("latin-1")
	    for a in sys.argv[1:]]
	print("DER:" + tlv(0x30, b"".join(tlv(0x86, u) for u in uris)).hex())
	END
}

# lab_realm: an authority `lab` with openssl's CA behind it, in trust.conf and
# map, and a good certificate of it, $R/good, that may be alice
lab_realm()
{
	lab_ca "$R/lab" "/CN=Lab users"
	lab_crl "$R/lab" "$R/etc/crl/lab.crl"
	cp "$R/lab/ca.crt" "$R/etc/ca/lab.crt"
	cat >>"$R/etc/trust.conf" <<-'END'

	[authority lab]
	class      = user
	anchor     = ca/lab.crt
	names      = uri=spiffe://lab.example/user/*
	revocation = require
	crl        = crl/lab.crl
	END
	echo "allow user lab uri=spiffe://lab.example/user/{name} as {name}" \
	    >>"$R/etc/identity.map"
	lab_issue "$R/lab" good
}
