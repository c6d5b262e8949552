package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// variants are the values that a secret stands for: itself, without space around
// it, without URL escapes (a password in a URL), and its longer lines.
func variants(s string) []string {
	all := []string{s, strings.TrimSpace(s)}
	for _, unescape := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if plain, err := unescape(s); err == nil {
			all = append(all, plain)
		}
	}
	if lines := strings.Split(strings.TrimSpace(s), "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= 2*MinSecret {
				all = append(all, line)
			}
		}
	}
	var long []string
	for _, v := range all {
		if len(v) >= MinSecret {
			long = append(long, v)
		}
	}
	return long
}

// formsOf are the ways in which a value may be written.
func formsOf(s string) []string {
	digits := hex.EncodeToString([]byte(s))
	forms := []string{
		s, strings.ToValidUTF8(s, "\uFFFD"), digits, strings.ToUpper(digits),
		html.EscapeString(s), inside(strconv.Quote(s)), inside(strconv.QuoteToASCII(s)),
	}
	forms = append(forms, urlForms(s)...)
	for _, form := range forms {
		forms = append(forms, jsonForms(form)...)
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		bare := enc.WithPadding(base64.NoPadding)
		forms = append(forms, enc.EncodeToString([]byte(s)), bare.EncodeToString([]byte(s)))
		for offset := range 3 {
			forms = append(forms, base64Core(bare, s, offset))
		}
	}
	return forms
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

var percent = regexp.MustCompile(`%[0-9A-F]{2}`)

// urlForms are the value in a query and in a path, as Go, JavaScript and Python
// escape it, with upper and lower case digits.
func urlForms(s string) []string {
	query := url.QueryEscape(s)
	component := strings.ReplaceAll(query, "+", "%20")
	forms := []string{
		query, component, url.PathEscape(s),
		strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(component),
		strings.ReplaceAll(component, "%2F", "/"),
	}
	for _, form := range forms {
		forms = append(forms, percent.ReplaceAllStringFunc(form, strings.ToLower))
	}
	return forms
}

var unicodeEscape = regexp.MustCompile(`\\u[0-9a-f]{4}`)

// jsonForms are the value within a JSON string: with and without escapes of what
// HTML gives a meaning to, and of whatever is not ASCII.
func jsonForms(s string) []string {
	forms := []string{inJSON(s, true), inJSON(s, false)}
	for _, form := range forms {
		forms = append(forms, inASCII(form))
	}
	for _, form := range forms {
		forms = append(forms, unicodeEscape.ReplaceAllStringFunc(form, func(e string) string { return `\u` + strings.ToUpper(e[2:]) }))
	}
	return forms
}

func inJSON(s string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(s); err != nil { // a string never fails
		return s
	}
	return inside(strings.TrimSuffix(b.String(), "\n"))
}

// inside is what stands between quotes.
func inside(quoted string) string { return quoted[1 : len(quoted)-1] }

// inASCII escapes what is not ASCII, as Python does by default.
func inASCII(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c < 0x80 {
			b.WriteRune(c)
			continue
		}
		for _, unit := range utf16.Encode([]rune{c}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
