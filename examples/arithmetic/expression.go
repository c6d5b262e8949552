package main

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// logic evaluates "not ( True ) and False is": not binds tightest, then and,
// then or.
func logic(question string) (value, ok bool) {
	text, ok := strings.CutSuffix(strings.TrimSpace(question), " is")
	if !ok {
		return false, false
	}
	p := parser{tokens: strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))}
	v := p.disjunction()
	return v, p.whole()
}

// arithmetic evaluates "((-9 * -5 - 6) - (-8 - 3)) =" over + - * / and
// parentheses.
func arithmetic(question string, divide func(a, b float64) float64) (value float64, ok bool) {
	text, ok := strings.CutSuffix(strings.TrimSpace(question), "=")
	if !ok {
		return 0, false
	}
	p := parser{tokens: lexeme().FindAllString(text, -1), divide: divide}
	if strings.Join(p.tokens, "") != strings.Join(strings.Fields(text), "") {
		return 0, false // something in it is not of an expression
	}
	v := p.sum()
	return v, p.whole() && !math.IsNaN(v) && !math.IsInf(v, 0)
}

func lexeme() *regexp.Regexp { return regexp.MustCompile(`\d+(\.\d+)?|[-+*/()]`) }

// parser reads tokens from left to right; broken is set where they make no
// sense.
type parser struct {
	tokens []string
	broken bool
	depth  int
	divide func(a, b float64) float64
}

// whole tells whether everything was read and made sense.
func (p *parser) whole() bool { return !p.broken && len(p.tokens) == 0 }

// take removes the next token when it is one of these.
func (p *parser) take(any ...string) (string, bool) {
	for _, t := range any {
		if len(p.tokens) > 0 && p.tokens[0] == t {
			p.tokens = p.tokens[1:]
			return t, true
		}
	}
	return "", false
}

// fail gives up on the rest.
func (p *parser) fail() {
	p.broken, p.tokens = true, nil
}

// inside reads the rest of a parenthesis.
func inside[T any](p *parser, read func() T) (v T) {
	const deepest = 1000
	if p.depth++; p.depth > deepest {
		p.fail()
		return v
	}
	v = read()
	p.depth--
	if _, ok := p.take(")"); !ok {
		p.fail()
	}
	return v
}

func (p *parser) disjunction() bool {
	v := p.conjunction()
	for {
		if _, ok := p.take("or"); !ok {
			return v
		}
		next := p.conjunction()
		v = v || next
	}
}

func (p *parser) conjunction() bool {
	v := p.negation()
	for {
		if _, ok := p.take("and"); !ok {
			return v
		}
		next := p.negation()
		v = v && next
	}
}

func (p *parser) negation() bool {
	inverted := false
	for {
		t, ok := p.take("not", "True", "False", "(")
		if !ok {
			p.fail()
			return false
		}
		switch t {
		case "not":
			inverted = !inverted
		case "(":
			return inside(p, p.disjunction) != inverted
		default:
			return (t == "True") != inverted
		}
	}
}

func (p *parser) sum() float64 {
	v := p.product()
	for {
		switch t, _ := p.take("+", "-"); t {
		case "+":
			v += p.product()
		case "-":
			v -= p.product()
		default:
			return v
		}
	}
}

func (p *parser) product() float64 {
	v := p.factor()
	for {
		switch t, _ := p.take("*", "/"); t {
		case "*":
			v *= p.factor()
		case "/":
			v = p.divide(v, p.factor())
		default:
			return v
		}
	}
}

func (p *parser) factor() float64 {
	sign := 1.0
	for {
		t, ok := p.take("-", "+", "(")
		if !ok {
			break
		}
		if t == "(" {
			return sign * inside(p, p.sum)
		}
		if t == "-" {
			sign = -sign
		}
	}
	if len(p.tokens) == 0 {
		p.fail()
		return 0
	}
	v, err := strconv.ParseFloat(p.tokens[0], 64)
	if err != nil {
		p.fail()
		return 0
	}
	p.tokens = p.tokens[1:]
	return sign * v
}

// number writes a value without an exponent and without a useless fraction.
func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100+0, 'f', -1, 64)
}
