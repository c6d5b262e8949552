package runner

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// Redactor takes secret values out of text, however they are encoded.
type Redactor struct {
	replacer *strings.Replacer
}

// minSecret is the length below which a value is too common to be looked for.
const minSecret = 8

const redacted = "[redacted]"

// NewRedactor looks for these values and for their base64, hexadecimal, URL and
// JSON forms. Base64 is found wherever the value stands in what was encoded, so
// also within "user:secret" of basic authentication. Values shorter than 8 bytes
// are left alone: they would be found in ordinary text.
func NewRedactor(secrets ...string) *Redactor {
	forms := map[string]bool{}
	for _, s := range secrets {
		if len(s) < minSecret {
			continue
		}
		for _, form := range formsOf(s) {
			if len(form) >= minSecret {
				forms[form] = true
			}
		}
	}
	if len(forms) == 0 {
		return &Redactor{}
	}
	ordered := make([]string, 0, len(forms))
	for form := range forms {
		ordered = append(ordered, form)
	}
	// At each place the replacer takes the first that fits: that has to be the
	// longest, or the end of a secret that begins like another one would stay.
	slices.SortFunc(ordered, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(ordered))
	for _, form := range ordered {
		pairs = append(pairs, form, redacted)
	}
	return &Redactor{strings.NewReplacer(pairs...)}
}

// formsOf are the ways in which a value may be written.
func formsOf(s string) []string {
	forms := []string{
		s,
		hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
		url.QueryEscape(s), url.PathEscape(s),
		quoted(s, true), quoted(s, false),
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		forms = append(forms, enc.EncodeToString([]byte(s)))
	}
	for offset := range 3 {
		forms = append(forms, base64Core(base64.RawStdEncoding, s, offset), base64Core(base64.RawURLEncoding, s, offset))
	}
	return forms
}

// quoted is the value within a JSON string.
func quoted(s string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(s); err != nil { // a string never fails
		return s
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}

// base64Core is the part of the encoding that only s decides, when s begins so
// many bytes (modulo 3) into what is encoded: a character stands for 6 bits, and
// those at both ends may share theirs with a neighbour.
func base64Core(enc *base64.Encoding, s string, offset int) string {
	whole := enc.EncodeToString(append(make([]byte, offset), s...))
	from := (8*offset + 5) / 6
	to := 8 * (offset + len(s)) / 6
	return whole[from:to]
}

// Text is s without the secrets.
func (r *Redactor) Text(s string) string {
	if r.idle() {
		return s
	}
	return r.replacer.Replace(s)
}

// idle: there is no secret to look for.
func (r *Redactor) idle() bool { return r == nil || r.replacer == nil }
