//! Whatever comes is read, in time linear in its length: mixtures of traces, any text, and a megabyte of the worst.

use proptest::prelude::*;

use super::*;

/// Lines of traces of all languages, to be mixed.
fn line() -> impl Strategy<Value = String> {
    let files = [
        include_str!("../testdata/python-chain.txt"),
        include_str!("../testdata/python-group.txt"),
        include_str!("../testdata/node-aggregate.txt"),
        include_str!("../testdata/firefox.txt"),
        include_str!("../testdata/java-proxies.txt"),
        include_str!("../testdata/go-recovered.txt"),
        include_str!("../testdata/rust-full.txt"),
        include_str!("../testdata/rust-anyhow.txt"),
        include_str!("../testdata/ruby-31.txt"),
        include_str!("../testdata/dotnet.txt"),
        include_str!("../testdata/php-uncaught.txt"),
        include_str!("../testdata/elixir.txt"),
    ];
    let lines: Vec<&'static str> = files.iter().flat_map(|file| file.lines()).collect();
    let real = proptest::sample::select(lines);
    prop_oneof![
        4 => real.clone().prop_map(str::to_owned),
        // Cut anywhere, and with something foreign in it.
        2 => (real, any::<proptest::sample::Index>(), any::<Option<char>>()).prop_map(|(line, at, foreign)| {
            let (head, _) = line.split_at(line.floor_char_boundary(at.index(line.len() + 1)));
            foreign.map_or_else(|| head.to_owned(), |c| format!("{head}{c}"))
        }),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_mixture_of_traces_can_be_read(lines in prop::collection::vec(line(), 0..40)) {
        let stack = lines.join("\n");
        let parts = of_stack(&stack);
        prop_assert!(parts.frames.len() <= FRAMES && parts.causes.len() <= CAUSES);
        prop_assert_eq!(of_stack(&stack), parts);
    }

    #[test]
    fn any_text_can_be_grouped(bytes in prop::collection::vec(any::<u8>(), 0..512), custom in prop::collection::vec(any::<String>(), 0..3)) {
        let text = String::from_utf8_lossy(&bytes);
        group(&Occurrence {
            error_type: text.as_ref().into(),
            error_message: text.as_ref().into(),
            message: text.as_ref().into(),
            stack_trace: text.as_ref().into(),
            custom: custom.into_iter().map(Cow::Owned).collect(),
        });
    }
}

/// A megabyte of the worst for each parser: were any of them quadratic, this would not end.
#[test]
fn a_megabyte_of_anything_is_read_in_passing() {
    let bits = [
        "File \"",
        "  File \"a\", line 1, in f\n",
        "Traceback (most recent call last):\n",
        "  + Exception Group Traceback (most recent call last):\n",
        "  | ",
        "+-",
        "at ",
        "at a (b:1:2)\n",
        "at a.b(C.java:1)\n",
        "Caused by: ",
        "Caused by: a.B: c\n",
        "$1",
        "$$",
        "a@b/c:1:2\n",
        "@",
        ":1",
        "(",
        "<",
        "[",
        ">",
        "0: a::b\n",
        "0: ",
        "<a as ",
        "::",
        "goroutine 1 [running]:\n",
        "a.b(0x1)\n\t/c.go:1\n",
        "panic(\n\t/c.go:1\n",
        "func1.",
        "a:1:in 'b'\n",
        "a:1:in `b': c (D)\n",
        " ---> ",
        "   at A.B(C c) in /d:line 1\n",
        "--- End of inner exception stack trace ---\n",
        "#0 /a(1): b()\n",
        "#0 [internal function]: {closure",
        "Next A: b in /c:1\n",
        " in ",
        ": ",
        "{{closure}}::",
        "a",
        "1",
        "\n",
        " ",
        "é",
        "0x",
        "1.",
        "a.b@",
        "-",
        "='",
        "1,",
        "::1",
    ];
    for bit in bits {
        let text = bit.repeat((1 << 20) / bit.len());
        let parts = group(&Occurrence {
            error_type: text.as_str().into(),
            error_message: text.as_str().into(),
            stack_trace: text.as_str().into(),
            ..Occurrence::default()
        });
        assert!(parts.text.len() <= normalise::MAX_BYTES && parts.frames.len() <= FRAMES, "{bit:?}");
    }
}

#[test]
fn a_trace_that_is_too_long_keeps_its_beginning_and_its_end() {
    let frame = |n: usize| format!("  File \"/app/shop/m{n}.py\", line 1, in f\n    pass\n");
    let mut stack = String::from("Traceback (most recent call last):\n");
    stack.extend((0..20_000).map(|n| frame(n + 100_000)));
    stack.push_str("  File \"/app/shop/end.py\", line 7, in last\nValueError: x\n");
    let parts = of_stack(&stack);
    assert_eq!(parts.culprit, "shop/end.py:7 last");
    assert_eq!(parts.full_type, "ValueError");
    assert_eq!(parts.frames.len(), FRAMES);
}
