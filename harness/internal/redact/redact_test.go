package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n" +
	"MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu\nNMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEovGhLa0VzMaQ8s+CLOyS56YyCFGeJZ\n-----END PRIVATE KEY-----\n"

// secrets of all sorts: plain, with what URLs, JSON, HTML and shells escape, not
// ASCII, with spaces and controls, of the least length, of several lines.
var secrets = []string{
	"hunter2-hunter2", `s3cr3t/+"key"\<&>'`, "pässwörter-geheim-🔑", "two words and\ttab", "??>>~~hunter2", "8 bytes!", "a=b&c=d;e%f?g#h", pem,
}

// written are the ways in which programs in Go, JavaScript, Python, PHP and Java
// write a value.
func written(s string) map[string]string {
	plain, _ := json.Marshal(s)
	ascii := strings.Trim(inASCII(inJSON(s, false)), `"`)
	component := strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	lower := percent.ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
	digits := hex.EncodeToString([]byte(s))
	forms := map[string]string{
		"raw": s, "hex": digits, "HEX": strings.ToUpper(digits),
		"query": url.QueryEscape(s), "path": url.PathEscape(s), "component": component, "query, lower": lower,
		"JSON": strings.Trim(string(plain), `"`), "JSON, no HTML": inJSON(s, false), "JSON, ASCII": ascii,
		"JSON, slashes": strings.ReplaceAll(ascii, "/", `\/`),
		"JSON, upper":   unicodeEscape.ReplaceAllStringFunc(inJSON(s, true), func(e string) string { return `\u` + strings.ToUpper(e[2:]) }),
		"Go":            strings.Trim(strconv.Quote(s), `"`), "HTML": html.EscapeString(s),
	}
	for name, enc := range map[string]*base64.Encoding{"std": base64.StdEncoding, "raw std": base64.RawStdEncoding, "URL": base64.URLEncoding, "raw URL": base64.RawURLEncoding} {
		forms["base64 "+name] = enc.EncodeToString([]byte(s))
	}
	return forms
}

func TestEveryForm(t *testing.T) {
	for _, secret := range secrets {
		r := New("another-secret", secret)
		for name, form := range written(secret) {
			for _, around := range [][2]string{{"", ""}, {"before ", " after"}, {`{"key":"`, `"}`}, {"x", "y"}} {
				quoted := form
				for range 3 {
					quoted = inside(strconv.Quote(quoted))
					assert.Equal(t, around[0]+Mark+around[1], strings.ReplaceAll(r.Text(around[0]+quoted+around[1]), Mark+"=", Mark), "%s of %q, quoted", name, secret)
				}
				out := r.Text(around[0] + form + around[1])
				assert.NotContains(t, out, form, "%s of %q", name, secret)
				assert.Equal(t, strings.TrimRight(around[0]+Mark, "="), strings.TrimRight(strings.TrimSuffix(out, around[1]), "="), "%s of %q", name, secret)
			}
		}
	}
}

func TestBase64AtEveryOffset(t *testing.T) {
	for _, secret := range []string{"hunter2-", "hunter2-h", "hunter2-hu", "??>>~~hunter2"} {
		r := New(secret)
		for _, before := range []string{"", "u", "us", "use", "user:", "admin:"} {
			for _, after := range []string{"", "x", "xy", "xyz"} {
				for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
					whole := enc.EncodeToString([]byte(before + secret + after))
					out := r.Text("Authorization: Basic " + whole)
					assert.Contains(t, out, Mark, "%q in %s", secret, whole)
					assert.LessOrEqual(t, len(out), len("Authorization: Basic ")+len(Mark)+len(whole)-len(secret), "%s", out)
				}
			}
		}
	}
}

func TestSecretsThatShareBytes(t *testing.T) {
	for _, list := range [][]string{{"hunter2-hunter2", "hunter2-hunter2-and-more"}, {"hunter2-hunter2-and-more", "hunter2-hunter2"}} {
		assert.Equal(t, "a [redacted] b [redacted] c", New(list...).Text("a hunter2-hunter2-and-more b hunter2-hunter2 c"))
	}
	r := New("abcdefgh-1234", "1234-zyxwvuts", "zyxwvuts")
	assert.Equal(t, "<[redacted]>", r.Text("<abcdefgh-1234-zyxwvuts>"), "the second begins within the first")
	assert.Equal(t, "[redacted]", r.Text("abcdefgh-1234abcdefgh-1234"))
	assert.Equal(t, "[redacted] [redacted]", r.Text("zyxwvuts abcdefgh-1234"))
}

func TestWhatIsNoSecret(t *testing.T) {
	assert.Equal(t, "short is left", New("short", "", "7 bytes").Text("short is left"))
	assert.True(t, New().Idle())
	assert.True(t, New("short").Idle())
	assert.Equal(t, "x", New().Text("x"))
	r := New("hunter2-hunter2")
	for _, text := range []string{"", "h", "hunter2-", "hunter2-hunter", "unter2-hunter2", "hunter2-hunter3 …", "…", "……", `"…"`, "hun…", "hunter…2-h…er2"} {
		assert.Equal(t, text, r.Text(text))
	}
}

// What was cut out of a text with a secret in it has less than half of it.
func TestCut(t *testing.T) {
	for _, secret := range secrets[:len(secrets)-1] {
		r := New(secret)
		for name, form := range written(secret) {
			if strings.HasPrefix(name, "base64") {
				form = strings.TrimRight(form, "=")
			}
			for n := range len(form) {
				left, right := form[:n], form[n:]
				for _, cut := range []string{"the key is " + left + "…", "the key is " + left + " …", `the key is "` + left + `"… (99 characters)`} {
					out := r.Text(cut)
					if len(bare(left)) >= least(bare(form)) {
						assert.NotContains(t, out, left, "%s of %q", name, secret)
						assert.Contains(t, out, Mark)
					}
				}
				for _, cut := range []string{"…" + right + " was the key", `found …"` + right + `", expected`, "… " + right} {
					if len(bare(right)) >= least(bare(form)) {
						assert.NotContains(t, r.Text(cut), right, "%s of %q", name, secret)
					}
				}
			}
		}
	}
	r := New("0123456789abcdefghij")
	assert.Equal(t, `found …"[redacted]"…`, r.Text(`found …"56789abcde"…`), "a part from the middle")
	assert.Equal(t, `found …"x6789abcde"…`, r.Text(`found …"x6789abcde"…`))
}

// A program's standard error is shown by lines, in another order.
func TestLinesOfASecret(t *testing.T) {
	r := New(pem)
	for line := range strings.Lines(pem) {
		assert.Equal(t, "key: [redacted]\n", r.Text("key: "+line))
		assert.Equal(t, "  [redacted]\r\n", r.Text("  "+strings.TrimSpace(line)+"\r\n"))
	}
	assert.Equal(t, "[redacted]", strings.TrimSpace(r.Text(pem)))
	assert.Equal(t, "is [redacted].", New("with-a-line-break\n").Text("is with-a-line-break."))
	assert.Equal(t, "is [redacted].", New("p%40ss%2Fword-in-a-URL").Text("is p@ss/word-in-a-URL."))
}

// The search finds what a simple one finds.
func TestAgainstASimpleSearch(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	pick := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ab"[random.Intn(2)]
		}
		return string(b)
	}
	for range 5000 {
		list := []string{pick(8 + random.Intn(4)), pick(8 + random.Intn(4)), pick(8)}
		text := pick(random.Intn(60))
		hidden := make([]bool, len(text))
		for _, secret := range list {
			for i := range text {
				if strings.HasPrefix(text[i:], secret) {
					for k := range secret {
						hidden[i+k] = true
					}
				}
			}
		}
		var want strings.Builder
		for i, c := range text {
			switch {
			case !hidden[i]:
				want.WriteRune(c)
			case i == 0 || !hidden[i-1]:
				want.WriteString(Mark)
			}
		}
		assert.Equal(t, want.String(), New(list...).Text(text), "%q in %q", list, text)
	}
}

func FuzzText(f *testing.F) {
	f.Add("hunter2-hunter2", "user:hunter2-hunter2 and more", 1)
	f.Add("8 bytes…", "8 bytes……\"8 bytes\"…", 2)
	f.Add(`a\"b\\c/d<e`, `{"x": "a\\\"b\\\\c/d\u003ce"}`, 3)
	f.Fuzz(func(t *testing.T, secret, text string, offset int) {
		r := New(secret)
		if len(bare(secret)) < MinSecret {
			return
		}
		if len(secret) < MinSecret {
			assert.Equal(t, text, r.Text(text))
			return
		}
		if strings.ContainsAny(secret, Mark) && strings.Contains(Mark+text+Mark, secret[:2]) {
			return // what stands in its place may be part of it
		}
		assert.NotContains(t, r.Text(text), secret)
		before := make([]byte, uint(offset)%7)
		assert.Contains(t, r.Text(base64.StdEncoding.EncodeToString(append(before, secret...))), Mark)
	})
}

func BenchmarkText(b *testing.B) {
	five := []string{"sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", "hunter2-hunter2/+=", "Bearer-token-0123456789", "postgres://u:p4ss%2Fword@host/db", pem}
	words := strings.Fields(`the quick brown fox jumps over lazy dogs and a model answers {"n": 12} https://example.com/path?x=1 -----BEGIN ` + "\u00e9\u00e8")
	random := rand.New(rand.NewSource(1))
	var prose, letters strings.Builder
	for prose.Len() < 10<<20 {
		prose.WriteString(words[random.Intn(len(words))] + " ")
	}
	raw := make([]byte, 7<<20)
	random.Read(raw)
	letters.WriteString(base64.StdEncoding.EncodeToString(raw))
	for name, text := range map[string]string{
		"prose": prose.String(), "base64": letters.String(), "cuts": strings.Repeat("a… ", 2<<20), "near": strings.Repeat("hunter2-hunter3 ", 10<<16),
		"secrets": strings.Repeat("the key is hunter2-hunter2/+= ", 10<<15),
	} {
		b.Run(fmt.Sprintf("%s/%dMB", name, len(text)>>20), func(b *testing.B) {
			r := New(five...)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				_ = r.Text(text)
			}
		})
	}
	b.Run("New", func(b *testing.B) {
		for b.Loop() {
			_ = New(five...)
		}
	})
}
