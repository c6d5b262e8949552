// Package stat has the statistics behind the gate: pure functions over numbers,
// each with its formula and where it is from. It imports nothing but the
// standard library.
//
// A function whose input allows no answer (no observation, a level outside
// (0,1)) gives the widest one: the interval of a rate is then [0,1], that of a
// mean has no ends.
package stat
