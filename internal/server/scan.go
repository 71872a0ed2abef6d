package server

import (
	"bytes"
	"strconv"
)

// scanned is what a refusal needs to know of a request.
type scanned struct {
	target, host []byte
	alike        bool // it has nothing for which the answer would be another one
}

// withBody has the methods to which the refusal has its body.
var withBody = map[string]bool{"GET": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true}

// scan reads a request, and reports whether octets are one and nothing else for every
// reader: also for one that takes a bare line feed as the end of a line.
func scan(sent []byte) (r scanned, whole bool) {
	head, body, ended := bytes.Cut(sent, []byte("\r\n\r\n"))
	if !ended || bytes.Count(head, []byte("\n")) != bytes.Count(head, []byte("\r\n")) {
		return r, false
	}
	line, head, _ := bytes.Cut(head, []byte("\r\n"))
	method, line, _ := bytes.Cut(line, []byte(" "))
	var version []byte
	r.target, version, _ = bytes.Cut(line, []byte(" "))
	r.alike = string(version) == "HTTP/1.1" && withBody[string(method)]
	length := -1
	for len(head) > 0 { // no line of it is empty
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		if line[0] == ' ' || line[0] == '\t' { // the line before goes on
			return r, false
		}
		value, named := field(line, "Content-Length")
		if named {
			n, err := strconv.ParseUint(string(value), 10, 16)
			if err != nil || length >= 0 {
				return r, false
			}
			length = int(n)
		} else if _, named = field(line, "Transfer-Encoding"); named {
			return r, false
		} else if value, named = field(line, "Host"); named {
			r.alike = r.alike && r.host == nil && value != nil
			r.host = value
		} else if value, named = field(line, "Connection"); named {
			r.alike = r.alike && string(value) == "keep-alive"
		} else if differs(line) {
			r.alike = false
		}
	}
	return r, len(body) == max(length, 0)
}

// differs reports whether a header makes the answer another one: a page of another origin
// must be able to read it, and who gives a request an id gets it back.
func differs(line []byte) bool {
	_, origin := field(line, "Origin")
	_, id := field(line, "X-Request-Id")
	return origin || id
}

// field is the value of a line whose name begins so. It is nil where it is empty or the
// name goes on: such a line is never taken for what was asked for.
func field(line []byte, name string) (value []byte, named bool) {
	if len(line) < len(name) || line[0]|0x20 != name[0]|0x20 || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	value, colon := bytes.CutPrefix(line[len(name):], []byte(":"))
	if value = bytes.Trim(value, " \t"); !colon || len(value) == 0 {
		return nil, true
	}
	return value, true
}
