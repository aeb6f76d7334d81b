/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: what they print and what they refuse. Most expected texts were compared with those of
 * podman 4.3 (Go 1.19); where ours differ on purpose, a comment says so. */
#include "base/json.h"
#include "cmd/template.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char data[] =
    "{\"Id\":\"05f8f0fc\",\"Name\":\"c1\",\"Empty\":\"\",\"Nil\":null,\"Zero\":0,\"Size\":11331,"
    "\"Ratio\":1.5,\"Yes\":true,\"No\":false,\"Accent\":\"h\\u00e9llo\",\"None\":[],\"Obj\":{},"
    "\"Names\":[\"b\",\"a\"],\"Nested\":[[1,2],[3]],\"Mixed\":[1,\"x\",null,true,1.5],"
    "\"Quote\":\"a\\\"b<&>\",\"dns_enabled\":true,"
    "\"State\":{\"Status\":\"running\",\"Running\":true,\"Pid\":42,\"ExitCode\":0},"
    "\"Config\":{\"Cmd\":[\"/bin/sh\",\"-c\",\"echo hi\"],\"Labels\":{\"z\":\"1\",\"a\":\"2\","
    "\"com.x/y\":\"v\"},\"Annotations\":null,\"Env\":[\"A=1\",\"B=2\"]},"
    "\"NetworkSettings\":{\"Networks\":{\"podman\":{\"IPAddress\":\"10.88.0.2\"},"
    "\"labels\":{\"IPAddress\":\"10.0.0.3\"}},"
    "\"Ports\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]}},"
    "\"Mounts\":[{\"Source\":\"/a\",\"Destination\":\"/b\"},{\"Source\":\"/c\",\"Destination\":\"/"
    "d\"}]}";

struct example {
    const char *text, *want; /* "! ..." is an error that holds the rest */
};

static const struct example texts[] = {
    {"", ""},
    {"plain", "plain"},
    {"a\\tb\\nc", "a\tb\nc"},
    {"a\\\\tb", "a\\\tb"},
    {"a\\xb\\", "a\\xb\\"},
    {"{ }} {", "{ }} {"},
    {"a {{- 1 -}} b", "a1b"},
    {"a {{1 -}}   x", "a 1x"},
    {"a \\n {{- 1}} b", "a1 b"},
    {"{{1 -}} \\n\\t {{- 2}}", "12"},
    {"{{- 1}}", "1"},
    {"{{-1}}", "-1"},
    {"{{/* c */}}", ""},
    {"a {{- /* c */ -}} b", "ab"},
    {"a {{/* }} {{ */}} b", "a  b"},
    {"{{/**/}}x", "x"},
    {"{{ 1 }}{{\n1\t}}", "11"},
    {"{{1}} {{2}}", "1 2"},
    {"\xff{{1}}\xfe", "\xff"
                      "1\xfe"},
    {"{{/* a }}", "! 1:3: unclosed comment"},
    {"{{/* c */ .Id}}", "! comment ends before closing delimiter"},
    {"{{.Name", "! 1:8: unclosed action"},
    {"{{", "! unclosed action"},
    {"x{{.Name}", "! 1:9: bad character U+007D"},
    {"a\n{{.Name {{", "! 2:9: bad character U+007B"},
    {"{{#}}", "! bad character U+0023 '#'"},
    {"{{}}", "! missing value for command"},
    {"{{ }}", "! missing value for command"},
};

static const struct example literals[] = {
    {"{{1}} {{-5}} {{+5}} {{0}}", "1 -5 5 0"},
    {"{{0x1f}} {{0b11}} {{0o17}} {{017}} {{1_000}}", "31 3 15 15 1000"},
    {"{{1.5}} {{.5}} {{-1.5}} {{5.}} {{0.0}}", "1.5 0.5 -1.5 5 0"},
    {"{{1e3}} {{1e6}} {{1e20}} {{1e21}} {{100000.0}}", "1000 1e+06 1e+20 1e+21 100000"},
    {"{{123456789.0}} {{1234567.5}} {{0.0001}} {{0.00001}}",
     "1.23456789e+08 1.2345675e+06 0.0001 1e-05"},
    {"{{0.1}} {{3.14159}} {{1e-7}} {{123456.789}}", "0.1 3.14159 1e-07 123456.789"},
    {"{{9223372036854775807}} {{-9223372036854775808}}",
     "9223372036854775807 -9223372036854775808"},
    {"{{true}} {{false}}", "true false"},
    {"{{\"a\\tb\\n\\\"\\\\\"}}", "a\tb\n\"\\"},
    {"{{\"\\x41\\u00e9\\101\\U0001F600\"}}", "A\xc3\xa9"
                                             "A\xf0\x9f\x98\x80"},
    {"{{`raw\\n\"`}}", "raw\\n\""},
    {"{{`a\nb`}}", "a\nb"},
    {"{{\"}}\"}}", "}}"},
    {"{{'a'}} {{'\\n'}} {{'\\''}} {{'\xc3\xa9'}} {{'\\x41'}}", "97 10 39 233 65"},
    {"{{9223372036854775808}}", "! bad number syntax: \"9223372036854775808\""},
    {"{{1a}}", "! bad number syntax: \"1a\""},
    {"{{1.2.3}}", "! bad number syntax"},
    {"{{1_}}", "! bad number syntax"},
    {"{{1__0}}", "! bad number syntax"},
    {"{{0x}}", "! bad number syntax"},
    {"{{08}}", "! bad number syntax"},
    {"{{0b2}}", "! bad number syntax"},
    {"{{1e}}", "! bad number syntax"},
    {"{{1e999}}", "! bad number syntax"},
    {"{{1i}}", "! bad number syntax"},
    {"{{1 - 2}}", "! bad number syntax: \"-\""},
    {"{{\"abc}}", "! unterminated quoted string"},
    {"{{\"a\nb\"}}", "! unterminated quoted string"},
    {"{{`abc}}", "! unterminated raw quoted string"},
    {"{{\"\\z\"}}", "! malformed string constant: \"\\z\""},
    {"{{\"\\x4\"}}", "! malformed string constant"},
    {"{{\"\\ud800\"}}", "! malformed string constant"},
    {"{{\"\\400\"}}", "! malformed string constant"},
    {"{{\"\\'\"}}", "! malformed string constant"},
    {"{{'ab'}}", "! malformed character constant: 'ab'"},
    {"{{''}}", "! malformed character constant: ''"},
    {"{{'a}}", "! unterminated character constant"},
};

static const struct example fields[] = {
    {"{{.Name}}", "c1"},
    {"{{.State.Status}} {{.State.Pid}}", "running 42"},
    {"{{ .Name }}", "c1"},
    {"{{$.Name}} {{$.State.Pid}}", "c1 42"},
    {"{{(.State).Status}}", "running"},
    {"{{(index .Mounts 1).Source}}", "/c"},
    {"{{.ID}} {{.id}} {{.DNSEnabled}}", "05f8f0fc 05f8f0fc true"},
    {"{{.Names}} {{.None}} {{.Nested}}", "[b a] [] [[1 2] [3]]"},
    {"{{.Mixed}}", "[1 x <nil> true 1.5]"},
    {"{{.Config.Labels}}", "map[a:2 com.x/y:v z:1]"},
    {"{{.Obj}} {{.Nil}} [{{.Empty}}]", "map[] <nil> []"},
    {"{{.Config.Labels.z}}", "1"},
    {"{{.Config.Labels.nope}}", "<no value>"},
    {"{{.Config.Labels.Z}}", "<no value>"},
    {"{{.Config.Annotations}}", "map[]"},
    {"{{.Config.Annotations.nope}}", "<no value>"},
    {"{{.NetworkSettings.Networks.podman.IPAddress}}", "10.88.0.2"},
    {"{{.NetworkSettings.Networks.labels.IPAddress}}", "10.0.0.3"},
    {"{{.NetworkSettings.Networks.nope}}", "<no value>"},
    {"{{with .Config.Labels}}{{.nope}}{{end}}", "<no value>"},
    {"{{$l := .Config.Labels}}{{$l.nope}} {{$l.a}}", "<no value> 2"},
    {"{{(.Config.Labels).nope}}", "<no value>"},
    {"{{.Foo}}", "! template: 1:3: at <.Foo>: can't evaluate field Foo"},
    {"a\n {{.State.Foo}}", "! template: 2:4: at <.State.Foo>: can't evaluate field Foo"},
    {"{{.Name.Foo}}", "! can't evaluate field Foo in type string"},
    {"{{.Mounts.Foo}}", "! can't evaluate field Foo in type list"},
    {"{{.Zero.Foo}}", "! can't evaluate field Foo in type int"},
    {"{{.Nil.Foo}}", "! nil has no field Foo"},
    {"{{.Config.Labels.nope.deep}}", "! can't evaluate field deep"},
    {"{{.NetworkSettings.Networks.podman.Nope}}", "! can't evaluate field Nope"},
    {"{{.NetworkSettings.Networks.labels.nope}}", "! can't evaluate field nope"},
    {"{{$.Foo}}", "! at <$.Foo>: can't evaluate field Foo"},
    {"{{(index .Mounts 0).Foo}}", "! can't evaluate field Foo"},
    {"{{.Name.}}", "! unexpected \".\" in operand"},
    {"{{..Name}}", "! unexpected . after term \".\""},
    {"{{true.X}}", "! unexpected . after term \"true\""},
    {"{{nil.X}}", "! unexpected . after term \"nil\""},
    {"{{\"a\".X}}", "! unexpected . after term \"\"a\"\""},
    {"{{. Name}}", "! function \"Name\" not defined"},
    {"{{.Name .Id}}", "! can't give argument to non-function .Name"},
    {"{{nil}}", "! nil is not a command"},
    {"{{nil | print}}", "! nil is not a command"},
};

static const struct example control[] = {
    {"{{if .Yes}}a{{end}}b", "ab"},
    {"{{if .No}}a{{end}}b", "b"},
    {"{{if .No}}a{{else}}b{{end}}", "b"},
    {"{{if 0}}a{{else if \"\"}}b{{else if 0.0}}c{{else}}d{{end}}", "d"},
    {"{{if 0}}a{{else if 1}}b{{else}}c{{end}}d", "bd"},
    {"{{if 0}}a{{else if 0}}b{{end}}c", "c"},
    {"{{if .Nil}}a{{end}}{{if .None}}b{{end}}{{if .Obj}}c{{end}}{{if .Empty}}d{{end}}", ""},
    {"{{if .State}}a{{end}}{{if .Names}}b{{end}}{{if -1}}c{{end}}{{if 0.1}}d{{end}}", "abcd"},
    {"{{if .Config.Labels.nope}}a{{else}}b{{end}}", "b"},
    {"{{if eq .Name \"c1\"}}yes{{end}}", "yes"},
    {"{{if and .Yes .No}}a{{else}}b{{end}}", "b"},
    {"{{if .Yes}}{{if .No}}a{{else}}b{{end}}{{else}}c{{end}}", "b"},
    {"{{with .State}}{{.Status}}{{end}}", "running"},
    {"{{with .State}}{{$.Name}}{{end}}", "c1"},
    {"{{with 0}}a{{else}}b{{end}}", "b"},
    {"{{with .Nil}}a{{else}}{{.Name}}{{end}}", "c1"},
    {"{{with $x := 5}}{{$x}}{{.}}{{end}}", "55"},
    {"{{range .Names}}{{.}},{{end}}", "b,a,"},
    {"{{range $e := .Names}}{{$e}},{{end}}", "b,a,"},
    {"{{range $i, $e := .Names}}{{$i}}={{$e}} {{end}}", "0=b 1=a "},
    {"{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}", "a=2;com.x/y=v;z=1;"},
    {"{{range .Config.Labels}}{{.}}{{end}}", "2v1"},
    {"{{range .None}}a{{else}}b{{end}}", "b"},
    {"{{range .Nil}}a{{else}}b{{end}}", "b"},
    {"{{range .Config.Annotations}}a{{end}}b", "b"},
    {"{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}", "/a:/b /c:/d "},
    {"{{range .Nested}}{{range .}}{{.}}{{end}};{{end}}", "12;3;"},
    {"{{range $k, $n := .NetworkSettings.Networks}}{{$k}}:{{$n.IPAddress}} {{end}}",
     "labels:10.0.0.3 podman:10.88.0.2 "},
    {"{{range $p, $c := .NetworkSettings.Ports}}{{$p}}->{{(index $c 0).HostPort}}{{end}}",
     "80/tcp->8080"},
    {"{{range .Config.Cmd}}{{if eq . \"-c\"}}{{continue}}{{end}}{{.}};{{end}}", "/bin/sh;echo hi;"},
    {"{{range .Config.Cmd}}{{.}}{{break}}x{{end}}y", "/bin/shy"},
    {"{{range .Nested}}{{range .}}{{.}}{{break}}{{end}};{{end}}", "1;3;"},
    {"{{$a := 1}}{{$a}}", "1"},
    {"{{$a := 1}}{{$a = 2}}{{$a}}", "2"},
    {"{{$a := 1}}{{if true}}{{$a = 2}}{{$a := 3}}{{$a}}{{end}}{{$a}}", "32"},
    {"{{$n := 0}}{{range $i, $e := .Names}}{{$n = $i}}{{end}}{{$n}}", "1"},
    {"{{$e := 9}}{{range $e := .Names}}{{$e}}{{end}}{{$e}}", "ba9"},
    {"{{$e := 9}}{{range $e = .Names}}{{end}}{{$e}}", "a"},
    {"{{$a := .State}}{{$a.Pid}}", "42"},
    {"{{$a:=1}}{{$a}}", "1"},
    {"{{if $x := .Name}}{{$x}}{{end}}", "c1"},
    {"{{range 3}}{{end}}", "! range can't iterate over a value of type int"},
    {"{{range .Name}}{{end}}", "! at <.Name>: range can't iterate over a value of type string"},
    {"{{$x}}", "! undefined variable \"$x\""},
    {"{{$x = 1}}", "! undefined variable \"$x\""},
    {"{{if 1}}{{$x := 1}}{{end}}{{$x}}", "! undefined variable \"$x\""},
    {"{{range $i, $e := .Names}}{{end}}{{$i}}", "! undefined variable \"$i\""},
    {"{{$x := $x}}", "! undefined variable \"$x\""},
    {"{{$ := 1}}", "! cannot be set"},
    {"{{$a, $b := 1}}", "! too many declarations in command"},
    {"{{range $a, $b, $c := .Names}}{{end}}", "! too many declarations in range"},
    {"{{if}}x{{end}}", "! missing value for if"},
    {"{{range}}x{{end}}", "! missing value for range"},
    {"{{$x := }}", "! missing value for command"},
    {"{{if .Id}}", "! missing {{end}}"},
    {"{{if .Id}}a{{else}}b", "! missing {{end}}"},
    {"{{end}}", "! unexpected {{end}}"},
    {"{{else}}", "! unexpected {{else}}"},
    {"{{if 1}}{{end}}{{end}}", "! unexpected {{end}}"},
    {"{{if 1}}{{else}}{{else}}{{end}}", "! expected end; found {{else}}"},
    {"{{with 1}}{{else if 2}}{{end}}", "! unexpected \"if\" in input"},
    {"{{range .Names}}{{else if 2}}{{end}}", "! unexpected \"if\" in input"},
    {"{{if 1}}{{end 1}}", "! unexpected \"1\" in end"},
    {"{{break}}", "! {{break}} outside {{range}}"},
    {"{{if 1}}{{continue}}{{end}}", "! {{continue}} outside {{range}}"},
    {"{{define \"x\"}}a{{end}}", "! function \"define\" not defined"},
    {"{{template \"x\"}}", "! function \"template\" not defined"},
};

static const struct example functions[] = {
    {"{{.Name | len | print \"n=\"}}", "n=2"},
    {"{{\"a\" | upper | printf \"%s%s\" \"x\"}}", "xA"},
    {"{{(print 1 2)}} {{print (1)}}", "1 2 1"},
    {"{{(index .Config.Cmd 0) | printf \"%s-%s\" \"x\"}}", "x-/bin/sh"},
    {"{{1|}}", "! missing value for command"}, /* Go prints 1 */
    {"{{|}}", "! unexpected \"|\" in command"},
    {"{{1|2}}", "! non executable command in pipeline stage 2"},
    {"{{1 | .}}", "! non executable command in pipeline stage 2"},
    {"{{1 | .Name}}", "! can't give argument to non-function .Name"},
    {"{{(1}}", "! unclosed left paren"},
    {"{{1)}}", "! unexpected \")\" in command"},
    {"{{()}}", "! missing value for command"},
    {"{{1 2}}", "! can't give argument to non-function 1"},
    {"{{\"a\"\"b\"}}", "! in operand"},
    {"{{foo}}", "! template: 1:3: function \"foo\" not defined"},
    {"{{html \"<\"}}", "! function \"html\" not defined"},
    {"{{js 1}}", "! function \"js\" not defined"},
    {"{{urlquery 1}}", "! function \"urlquery\" not defined"},
    {"{{json .Config.Cmd}}", "[\"/bin/sh\",\"-c\",\"echo hi\"]"},
    {"{{json .Config.Labels}}", "{\"a\":\"2\",\"com.x/y\":\"v\",\"z\":\"1\"}"},
    {"{{json .Name}} {{json .Size}} {{json .Nil}} {{json true}} {{json 1.5}}",
     "\"c1\" 11331 null true 1.5"},
    {"{{json .Quote}}", "\"a\\\"b<&>\""},
    {"{{json .Config.Labels.nope}}", "null"},
    {"{{json .Accent}}", "\"h\xc3\xa9llo\""},
    {"{{json .State.Running | printf \"%s\"}}", "true"},
    {"{{join .Names \",\"}} {{join .None \",\"}}|{{join .Nil \",\"}}", "b,a |"},
    {"{{join (split \"a,b\" \",\") \"-\"}}", "a-b"},
    {"{{split \"a,b,c\" \",\"}} {{len (split \"a,\" \",\")}}", "[a b c] 2"},
    {"{{split \"abc\" \"\"}} {{len (split \"\" \",\")}} {{len (split \"\" \"\")}}", "[a b c] 1 0"},
    {"{{split \"a--b--c\" \"--\"}}", "[a b c]"},
    {"{{upper \"ab\"}} {{lower \"AB\"}} {{title \"hello wORLD foo_bar\"}}",
     "AB ab Hello WORLD Foo_bar"},
    {"{{upper .Accent}}", "H\xc3\x89LLO"},
    {"{{pad \"a\" 1 2}}|{{pad \"\" 1 2}}|", " a  ||"},
    {"{{truncate \"hello\" 3}} {{truncate \"ab\" 5}} {{truncate .Accent 2}}", "hel ab h\xc3\xa9"},
    {"{{len .Names}} {{len .Name}} {{len .Config.Labels}} {{len .Accent}} {{len .Nil}}",
     "2 2 3 6 0"},
    {"{{index .Names 1}} {{index .Nested 0 1}}", "a 2"},
    {"{{index .Config.Labels \"com.x/y\"}}", "v"},
    {"[{{index .Config.Labels \"nope\"}}]", "[]"},
    {"[{{index .Config.Annotations \"nope\"}}]", "[]"},
    {"{{index .Config \"Labels\" \"a\"}}", "2"},
    {"{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}", "8080"},
    {"{{index .Name}}", "c1"},
    {"{{slice \"abcdef\" 2 4}} {{slice \"abc\"}} {{slice \"abc\" 1}}", "cd abc bc"},
    {"{{slice .Config.Cmd 1}} {{slice .Config.Cmd 0 1}}", "[-c echo hi] [/bin/sh]"},
    {"{{eq 1 1}} {{eq 1 2}} {{eq 1 2 3 1}} {{eq \"a\" \"a\"}} {{eq true true}} {{eq 1.5 1.5}}",
     "true false true true true true"},
    {"{{eq .Nil \"x\"}} {{eq nil nil}} {{eq .Config.Labels.nope \"\"}}", "false true true"},
    {"{{ne 1 2}} {{ne \"a\" \"a\"}}", "true false"},
    {"{{lt 1 2}} {{lt 2 2}} {{le 2 2}} {{le 3 2}} {{gt \"b\" \"a\"}} {{gt 1 1}} {{ge 1.5 1.5}}",
     "true false true false true false true"},
    {"{{and 1 0 2}} {{and 1 2}} {{and 1}} {{or 0 \"\" 3}} {{or 0 \"\"}}|", "0 2 1 3 |"},
    {"{{or .Yes .Foo}} {{and .No .Foo}}", "true false"},
    {"{{1 | and 0}} {{1 | and 2}} {{1 | or 0}}", "0 1 1"},
    {"{{not 1}} {{not .Empty}} {{true | not}}", "false true false"},
    {"{{print 1 2}} {{print \"a\" \"b\"}} {{print \"a\" 1 2 \"b\"}} {{print}}", "1 2 ab a1 2b "},
    {"{{print nil}} {{print .Config.Labels.nope}}", "<nil> <nil>"},
    {"{{println 1 \"a\"}}{{println}}x", "1 a\n\nx"},
    {"{{len 3}}", "! at <len>: error calling len: len of type int"},
    {"{{len}}", "! wrong number of args for len: want 1 got 0"},
    {"{{len 1 2}}", "! wrong number of args for len: want 1 got 2"},
    {"{{print len}}", "! wrong number of args for len: want 1 got 0"},
    {"{{upper}}", "! want 1 got 0"},
    {"{{upper 3}}", "! error calling upper: expected string; found int"},
    {"{{join \"a\" \",\"}}", "! expected a list of strings; found string"},
    {"{{join .Mixed \",\"}}", "! found int in it"},
    {"{{index .Names 2}}", "! error calling index: index out of range: 2"},
    {"{{index .Names -1}}", "! index out of range: -1"},
    {"{{index .Names \"x\"}}", "! cannot index list with type string"},
    {"{{index 3 1}}", "! can't index item of type int"},
    {"{{index .Name 1}}", "! can't index item of type string"}, /* Go: a byte */
    {"{{index .Config.Labels 1}}", "! value has type int; should be string"},
    {"{{index}}", "! want at least 1 got 0"},
    {"{{slice \"abc\" 2 9}}", "! error calling slice: index out of range: 9"},
    {"{{slice \"abc\" 2 1}}", "! invalid slice index: 2 > 1"},
    {"{{slice 3}}", "! can't slice item of type int"},
    {"{{slice \"abc\" 1 2 3}}", "! want at most 3 got 4"},
    {"{{truncate \"a\" -1}}", "! index out of range: -1"},
    {"{{pad \"a\" 1}}", "! want 3 got 2"},
    {"{{pad \"a\" 99999999999 1}}", "! index out of range"},
    {"{{pad \"a\" 16777216 0}}", "! passes 16 MiB"},
    {"{{eq 1 \"a\"}}", "! error calling eq: incompatible types for comparison"},
    {"{{eq 1 1.0}}", "! incompatible types for comparison"},
    {"{{eq .Names .Names}}", "! non-comparable type: list"},
    {"{{eq 1}}", "! wrong number of args for eq: want at least 2 got 1"},
    {"{{lt 1.5 2}}", "! incompatible types for comparison"},
    {"{{lt true false}}", "! invalid type for comparison"},
    {"{{and}}", "! want at least 1 got 0"},
    {"{{print or}}", "! want at least 1 got 0"},
};

static const struct example formats[] = {
    {"{{printf \"%v|%d|%t|%q|%x|%X\" 1.5 7 true \"a\\\"b\" 255 255}}",
     "1.5|7|true|\"a\\\"b\"|ff|FF"},
    {"{{printf \"%5d|%-5d|%05d|%+d|%+05d\" 42 42 42 42 42}}", "   42|42   |00042|+42|+0042"},
    {"{{printf \"%5s|%-5s|%.2s|%5.1s|\" \"ab\" \"ab\" \"abc\" \"xyz\"}}", "   ab|ab   |ab|    x|"},
    {"{{printf \"%8.3f|%5.2f|%f|%.0f|%06.2f\" 3.14159 3.14159 1.5 2.5 -1.5}}",
     "   3.142| 3.14|1.500000|2|-01.50"},
    {"{{printf \"%e|%g|%.2g\" 1.5 1.5 1.55}}", "1.500000e+00|1.5|1.6"},
    {"{{printf \"%c|%U|%b|%o\" 65 65 5 8}}", "A|U+0041|101|10"},
    {"{{printf \"%x|%X\" \"hi\" \"hi\"}}", "6869|6869"},
    {"{{printf \"%s %v\" .Names .Config.Labels}}", "[b a] map[a:2 com.x/y:v z:1]"},
    {"{{printf \"%q\" .Names}}", "[\"b\" \"a\"]"},
    {"{{printf \"%-10s|\" .Accent}}", "h\xc3\xa9llo     |"},
    {"{{printf \"%q\" \"a\\n\\x01\\xff\"}}", "\"a\\n\\x01\\xff\""},
    {"{{printf \"%*d|%-*d|\" 5 3 4 3}}", "    3|3   |"},
    {"{{printf \"%%|100%%\"}}", "%|100%"},
    {"{{printf \"%v %v\" nil true}}", "<nil> true"},
    {"{{printf \"plain\"}}", "plain"},
    {"{{printf \"%T %T %T\" 1 \"a\" 1.5}}", "int string float64"},
    {"{{printf \"%d\" \"x\"}}", "%!d(string=x)"},
    {"{{printf \"%s\" 5}}", "%!s(int=5)"},
    {"{{printf \"%s\" true}}", "%!s(bool=true)"},
    {"{{printf \"%t\" 1}}", "%!t(int=1)"},
    {"{{printf \"%f\" 1}}", "%!f(int=1)"},
    {"{{printf \"%d\" 1.5}}", "%!d(float64=1.5)"},
    {"{{printf \"%z\" 3}}", "%!z(int=3)"},
    {"{{printf \"%d\"}}", "%!d(MISSING)"},
    {"{{printf \"%d %s\" 1}}", "1 %!s(MISSING)"},
    {"{{printf \"x\" 1 \"a\"}}", "x%!(EXTRA int=1, string=a)"},
    {"{{printf \"%\"}}", "%!(NOVERB)"},
    {"{{printf \"%!\"}}", "%!!(MISSING)"}, /* as 1.19; later Go says NOVERB */
    {"{{printf \"%9999999d\" 1}}", "%!(BADWIDTH)1"},
    {"{{printf \"%*d\" \"x\" 1}}", "%!(BADWIDTH)1"},
    {"{{1 | printf \"%03d\"}}", "001"},
    {"{{printf}}", "! wrong number of args for printf: want at least 1 got 0"},
    {"{{printf 1}}", "! expected string; found int"},
};

static json_t *dot;

static void check(const struct example *e)
{
    struct template *t = NULL;
    struct err err = {0};
    auto_buf out = {0};
    int r = template_parse(e->text, &t, &err);
    if (r < 0) {
        assert_int_equal(err.kind, ERR_USAGE);
        assert_null(t);
    } else {
        r = template_run(t, dot, &out, &err);
    }
    template_free(t);
    bool fails = strncmp(e->want, "! ", 2) == 0;
    if (fails && r < 0 && strstr(err.message, e->want + 2))
        return;
    if (fails || r < 0 || strcmp(buf_str(&out), e->want) != 0)
        fail_msg("%s\n   gave: %s%s\n wanted: %s", e->text, r < 0 ? "! " : "",
                 r < 0 ? err.message : buf_str(&out), e->want);
}

#define TABLE_TEST(table)                                                                          \
    static void test_##table(void **state)                                                         \
    {                                                                                              \
        for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)                                \
            check(&table[i]);                                                                      \
    }
TABLE_TEST(texts)
TABLE_TEST(literals)
TABLE_TEST(fields)
TABLE_TEST(control)
TABLE_TEST(functions)
TABLE_TEST(formats)

static const struct example headings[] = {
    {"{{.ID}}\\t{{.Image}}", "CONTAINER ID\tIMAGE"},
    {"{{.Mounts}} {{.State.Status}} {{.created_at}}", "MOUNTS STATUS CREATED_AT"},
    {"{{upper .Image}} {{join .Names \",\"}} {{printf \"%.3s\" .ID}}", "IMAGE NAMES CON"},
    {"{{range .Mounts}}{{.}} {{end}}{{range $i, $m := .Mounts}}{{$m}}{{end}}", "MOUNTS MOUNTS"},
    {"{{index .Labels \"a\"}}", "LABELS"},
};

static void test_headings(void **state)
{
    auto_json json_t *names = json_object();
    json_put_string(names, "ID", "CONTAINER ID");
    for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++) {
        struct template *t = NULL;
        auto_buf out = {0};
        assert_int_equal(template_parse(headings[i].text, &t, NULL), 0);
        assert_int_equal(template_run_headings(t, names, &out, NULL), 0);
        assert_string_equal(buf_str(&out), headings[i].want);
        template_free(t);
    }
}

/* `text` built from `n` times `part`, between `before` and `after`. */
static int run_repeated(const char *before, const char *part, size_t n, const char *after,
                        struct err *err)
{
    auto_buf text = {0}, out = {0};
    struct template *t = NULL;
    buf_add_str(&text, before);
    for (size_t i = 0; i < n; i++)
        buf_add_str(&text, part);
    buf_add_str(&text, after);
    int r = template_parse(buf_str(&text), &t, err);
    if (r == 0)
        r = template_run(t, dot, &out, err);
    template_free(t);
    return r;
}

static void test_bounds(void **state)
{
    struct err err = {0};
    assert_int_equal(run_repeated("{{", "(", 5000, "", &err), -EINVAL);
    assert_non_null(strstr(err.message, "nested too deeply"));
    assert_int_equal(run_repeated("", "{{if 1}}", 5000, "", &err), -EINVAL);
    assert_non_null(strstr(err.message, "nested too deeply"));
    assert_int_equal(run_repeated("", "{{if 0}}{{else if 1}}", 90, "", &err), -EINVAL);
    assert_int_equal(run_repeated("{{$x := \"aaaaaaaa\"}}", "{{$x = print $x $x}}", 40, "", &err),
                     -EINVAL);
    assert_non_null(strstr(err.message, "passes 16 MiB"));
    assert_int_equal(run_repeated("{{$x := \"aaaaaaaa\"}}", "{{$x = print $x $x}}", 20,
                                  "{{$x}}{{$x}}{{$x}}{{$x}}{{$x}}{{$x}}{{$x}}{{$x}}{{$x}}", &err),
                     -EINVAL);
    assert_non_null(strstr(err.message, "output passes 64 MiB"));
    assert_int_equal(run_repeated("", "{{range $.Mixed}}", 60, "", &err), -EINVAL);
    assert_non_null(strstr(err.message, "missing {{end}}"));
    auto_buf ends = {0};
    for (int i = 0; i < 60; i++)
        buf_add_str(&ends, "{{end}}");
    assert_int_equal(run_repeated("", "{{range $.Mixed}}", 60, buf_str(&ends), &err), -EINVAL);
    assert_non_null(strstr(err.message, "runs too long"));
}

static int set_up(void **state)
{
    return json_parse(data, sizeof(data) - 1, &dot, NULL);
}

static int tear_down(void **state)
{
    json_decref(dot);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),     cmocka_unit_test(test_literals),
        cmocka_unit_test(test_fields),    cmocka_unit_test(test_control),
        cmocka_unit_test(test_functions), cmocka_unit_test(test_formats),
        cmocka_unit_test(test_headings),  cmocka_unit_test(test_bounds),
    };
    return setlocale(LC_CTYPE, "C.UTF-8") ? cmocka_run_group_tests(tests, set_up, tear_down) : 1;
}
