package reporter

import (
	"strings"
)

// xmlText writes text for an XML 1.0 document, in content or in an attribute
// between double quotes. Characters that XML can't carry (the Char production,
// section 2.2), those that it discourages (C1 controls) and bytes that are not
// UTF-8 become visible escapes. Line ends and tabs are character references, so
// that a parser does not normalise them away (sections 2.11 and 3.3.3).
func xmlText(s string) string {
	return xmlEscaper.Replace(replaceRunes(s, notXML))
}

// xmlContent is xmlText that keeps line ends and tabs as they are, for content.
func xmlContent(s string) string {
	return xmlContentEscaper.Replace(replaceRunes(s, notXML))
}

// xmlToken is xmlText for names of one line: line ends and tabs are visible
// escapes, because readers collapse white space in tokens.
func xmlToken(s string) string {
	return xmlEscaper.Replace(replaceRunes(s, func(r rune) bool { return r < 0x20 || notXML(r) }))
}

// The replacers are read only. The > of ]]> must be escaped in content.
var (
	xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;",
		"\n", "&#10;", "\r", "&#13;", "\t", "&#9;")
	xmlContentEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
)

func notXML(r rune) bool {
	switch {
	case r == '\n', r == '\r', r == '\t':
		return false
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	}
	return r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef
}
