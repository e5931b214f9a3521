//! The constructs of real chat templates, in short templates written for these tests, and templates made to hurt.

use time::macros::date;

use super::{ChatTemplate, Message, Role};

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.to_owned() }
}

/// A system message, a question, an answer with thinking, another question.
fn conversation() -> Vec<Message> {
    vec![
        message(Role::System, " Be brief. "),
        message(Role::User, "2+2?"),
        message(Role::Assistant, "<think>\nhm\n</think>\n\n4"),
        message(Role::User, "3+3?"),
    ]
}

fn rendered(source: &str, messages: &[Message]) -> String {
    let template = ChatTemplate::new(source, Some("<s>"), Some("</s>")).unwrap();
    template.render(messages, date!(2025 - 02 - 10)).unwrap()
}

fn refused(source: &str) -> String {
    match ChatTemplate::new(source, None, None) {
        Err(error) => error.to_string(),
        Ok(template) => template.render(&conversation(), date!(2025 - 02 - 10)).unwrap_err().to_string(),
    }
}

/// DeepSeek-R1's distills: the system message goes first, thinking is cut out of earlier answers, and the opening tag
/// stands in the prompt.
#[test]
fn a_template_of_the_shape_of_deepseek_r1() {
    let source = "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}\
        {%- set ns = namespace(is_tool=false, system='') -%}\
        {%- for message in messages %}{%- if message['role'] == 'system' %}{%- set ns.system = message['content'] %}{%- endif %}{%- endfor -%}\
        {{bos_token}}{{ns.system}}\
        {%- for message in messages %}\
        {%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<｜User｜>' + message['content']}}{%- endif %}\
        {%- if message['role'] == 'assistant' and message['tool_calls'] %}{{'never'}}{%- endif %}\
        {%- if message['role'] == 'assistant' and message['content'] is not none %}\
        {%- set content = message['content'] %}\
        {%- if '</think>' in content %}{%- set content = content.split('</think>')[-1] %}{%- endif %}\
        {{'<｜Assistant｜>' + content + eos_token}}{%- endif %}{%- endfor -%}\
        {% if add_generation_prompt and not ns.is_tool %}{{'<｜Assistant｜><think>\\n'}}{% endif %}";
    let wanted = "<s> Be brief. <｜User｜>2+2?<｜Assistant｜>\n\n4</s><｜User｜>3+3?<｜Assistant｜><think>\n";
    assert_eq!(rendered(source, &conversation()), wanted);
    let template = ChatTemplate::new(source, Some("<s>"), None).unwrap();
    let without = template.render_until(&[Message::user("a")], false, date!(2025 - 02 - 10)).unwrap();
    assert_eq!(without, "<s><｜User｜>a");
}

/// Qwen: a default system message, `tools` that may be there, reversed lists, Python's methods of strings.
#[test]
fn a_template_of_the_shape_of_qwen() {
    let source = "{%- if tools %}\n    {{- 'never' }}\n{%- else %}\n\
        {%- if messages[0]['role'] == 'system' %}\n    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}\n\
        {%- else %}\n    {{- '<|im_start|>system\\nYou help.<|im_end|>\\n' }}\n{%- endif %}\n{%- endif %}\n\
        {%- set ns = namespace(last=messages|length - 1, open=true) %}\n\
        {%- for message in messages[::-1] %}\n    {%- set index = (messages|length - 1) - loop.index0 %}\n\
        {%- if ns.open and message.role == 'user' and not message.content.startswith('<tool') %}\n\
        {%- set ns.open = false %}{%- set ns.last = index %}\n    {%- endif %}\n{%- endfor %}\n\
        {%- for message in messages %}\n\
        {%- if (message.role == 'user') or (message.role == 'system' and not loop.first) %}\n\
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n\
        {%- elif message.role == 'assistant' %}\n\
        {%- set content = message.content.split('</think>')[-1].lstrip('\\n') %}\n\
        {{- '<|im_start|>assistant\\n' ~ content ~ ('late' if loop.index0 > ns.last else '') }}\n\
        {{- '<|im_end|>\\n' }}\n    {%- endif %}\n{%- endfor %}\n\
        {%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n\
        {%- if enable_thinking is defined and enable_thinking is false %}\n    {{- '<think>\\n\\n</think>\\n\\n' }}\n{%- endif %}\n{%- endif %}";
    let turns = "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n4<|im_end|>\n<|im_start|>user\n3+3?<|im_end|>\n";
    let open = "<|im_start|>assistant\n";
    assert_eq!(
        rendered(source, &conversation()),
        format!("<|im_start|>system\n Be brief. <|im_end|>\n{turns}{open}")
    );
    let start = "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\na<|im_end|>\n";
    assert_eq!(rendered(source, &[Message::user("a")]), format!("{start}{open}"));
}

/// Llama 3: the date, blocks on lines of their own, a list without its first message.
#[test]
fn a_template_of_the_shape_of_llama_3() {
    let source = "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n\
        {%- set date_string = strftime_now('%d %b %Y') %}\n    {%- else %}\n        {%- set date_string = '26 Jul 2024' %}\n    {%- endif %}\n{%- endif %}\n\
        {%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|trim %}\n\
        {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = '' %}\n{%- endif %}\n\
        {%- if builtin_tools is defined or tools is not none %}\n    {{- 'never' }}\n{%- endif %}\n\
        {{- 'Today Date: ' + date_string + '\\n\\n' }}\n{{- system_message }}\n\
        {%- for message in messages %}\n    {%- if not (message.role == 'ipython' or 'tool_calls' in message) %}\n\
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}\n    {%- endif %}\n{%- endfor %}\n\
        {%- if add_generation_prompt %}\n    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n";
    assert_eq!(
        rendered(source, &[message(Role::System, " S "), Message::user(" a ")]),
        "<s>Today Date: 10 Feb 2025\n\nS<|start_header_id|>user<|end_header_id|>\n\na<|eot_id|>\
         <|start_header_id|>assistant<|end_header_id|>\n\n"
    );
}

/// Mistral's, from version 3 to 13: filters over messages, the system message before the last question or in a block of
/// its own, and refusals in the template's words.
#[test]
fn templates_of_the_shapes_of_mistral() {
    let alternate = "{%- set ns = namespace(index=0) %}{%- for message in loop_messages %}\
        {%- if (message['role'] == 'user') != (ns.index % 2 == 0) %}{{- raise_exception('roles must alternate') }}{%- endif %}\
        {%- set ns.index = ns.index + 1 %}{%- endfor %}";
    let head = "{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}\
        {%- set loop_messages = messages[1:] %}{%- else %}{%- set loop_messages = messages %}{%- endif %}";
    let v3 = format!(
        "{head}{{%- set user_messages = loop_messages | selectattr('role', 'equalto', 'user') | list %}}{alternate}{{{{- bos_token }}}}\
        {{%- for message in loop_messages %}}{{%- if message['role'] == 'user' %}}\
        {{%- if loop.last and system_message is defined %}}{{{{- '[INST] ' + system_message + '\\n\\n' + message['content'] + '[/INST]' }}}}\
        {{%- else %}}{{{{- '[INST] ' + message['content'] + '[/INST]' }}}}{{%- endif %}}\
        {{%- elif message['role'] == 'assistant' %}}{{{{- ' ' + message['content']|trim + eos_token }}}}{{%- endif %}}{{%- endfor %}}{{{{- user_messages|length }}}}"
    );
    let v7 = format!(
        "{head}{alternate}{{{{- bos_token }}}}{{%- if system_message is defined %}}{{{{- '[SYSTEM_PROMPT]' + system_message + '[/SYSTEM_PROMPT]' }}}}{{%- endif %}}\
        {{%- for message in loop_messages %}}{{%- if message['role'] == 'user' %}}{{{{- '[INST]' + message['content'] + '[/INST]' }}}}\
        {{%- else %}}{{{{- message['content'] + eos_token }}}}{{%- endif %}}{{%- endfor %}}"
    );
    let v13 = format!(
        "{{{{- bos_token }}}}{head}{{%- for message in loop_messages %}}{{%- if message['role'] == 'user' %}}{{{{- '[INST]' }}}}\
        {{%- if message['content'] is string %}}{{{{- message['content'] }}}}{{%- else %}}{{%- for block in message['content'] %}}{{{{- block['text'] }}}}{{%- endfor %}}{{%- endif %}}{{{{- '[/INST]' }}}}\
        {{%- elif message['role'] == 'assistant' %}}{{%- if message['tool_calls'] is defined and message['tool_calls'] is not none and message['tool_calls']|length > 0 %}}{{{{- 'never' }}}}{{%- endif %}}\
        {{{{- message['content'] + eos_token }}}}{{%- else %}}{{{{- raise_exception('only user and assistant, got ' + message['role'] + '.') }}}}{{%- endif %}}{{%- endfor %}}"
    );
    let thought = "<think>\nhm\n</think>\n\n4</s>";
    assert_eq!(
        rendered(&v3, &conversation()),
        format!("<s>[INST] 2+2?[/INST] {thought}[INST]  Be brief. \n\n3+3?[/INST]2")
    );
    assert_eq!(
        rendered(&v7, &conversation()),
        format!("<s>[SYSTEM_PROMPT] Be brief. [/SYSTEM_PROMPT][INST]2+2?[/INST]{thought}[INST]3+3?[/INST]")
    );
    assert_eq!(rendered(&v13, &conversation()), format!("<s>[INST]2+2?[/INST]{thought}[INST]3+3?[/INST]"));
    let template = ChatTemplate::new(&v7, None, None).unwrap();
    let two = [Message::user("a"), Message::user("b")];
    let error = template.render(&two, date!(2025 - 02 - 10)).unwrap_err().to_string();
    assert!(error.contains("roles must alternate"), "{error}");
}

#[test]
fn json_is_written_as_python_writes_it() {
    let source = "{{ {'b': [1, 2.5, none, true], 'a': '<é\"\\n'}|tojson }}|{{ messages|tojson }}|{{ [{'x': []}]|tojson(indent=2) }}";
    assert_eq!(
        rendered(source, &[Message::user("l'été & <b>")]),
        "{\"b\": [1, 2.5, null, true], \"a\": \"<é\\\"\\n\"}|[{\"role\": \"user\", \"content\": \"l'été & <b>\"}]|\
         [\n  {\n    \"x\": []\n  }\n]"
    );
}

#[test]
fn loops_can_be_left_and_blocks_for_training_change_nothing() {
    let source = "{% for message in messages %}{% if loop.index0 == 1 %}{% continue %}{% endif %}\
        {% if loop.index0 == 3 %}{% break %}{% endif %}{{ message.role }};{% endfor %}\n\
        {%- generation %}{{ 'a' }}{% endgeneration -%}  {%- generation -%} b {%- endgeneration -%}";
    assert_eq!(rendered(source, &conversation()), "system;assistant;ab");
    let twin = source.replace("endgeneration", "endif").replace("generation", "if 1");
    assert_eq!(
        rendered(&twin, &conversation()),
        "system;assistant;ab",
        "the marks for white space stay as they are"
    );
    assert_eq!(rendered("{{ none is iterable }},{{ [] is iterable }}", &[]), "False,True");
}

#[test]
fn a_mark_that_the_vocabulary_lacks_is_nothing() {
    let template = ChatTemplate::new("{{ bos_token }}a{{ eos_token }}", None, Some("</s>")).unwrap();
    assert_eq!(template.render(&[], date!(2025 - 02 - 10)).unwrap(), "a</s>");
}

#[test]
fn templates_that_hurt_or_fail_are_stopped_with_the_reason() {
    let loops =
        "{% for a in range(100000) %}{% for b in range(100000) %}{% set c = a * b %}{% endfor %}{% endfor %}";
    let recursion = "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}";
    let long = "{% for a in range(3000) %}{{ 'x' * 1000 }}{% endfor %}";
    for (source, words) in [
        (loops, "fuel"),
        (recursion, "recursion"),
        (long, "grows beyond"),
        ("{% if %}", "syntax error"),
        ("{{ unknown_function() }}", "unknown_function"),
        ("{{ messages.nothing.at_all }}", "undefined"),
        ("{{ strftime_now('%Q') }}", "%Q"),
        ("{{ raise_exception('no ' ~ messages[0].role) }}", "no system"),
    ] {
        let message = refused(source);
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
    assert!(refused(&"x".repeat(300_000)).contains("bytes"));
    refused(&"{% if true %}".repeat(10_000));
    refused(&format!("{{{{ {}1{} }}}}", "(".repeat(10_000), ")".repeat(10_000)));
    refused(&format!("{{{{ {}1{} }}}}", "[".repeat(10_000), "]".repeat(10_000)));
    refused(&format!("{{{{ {}1 }}}}", "-".repeat(10_000)));
    refused(&format!("{{{{ {}x }}}}", "not ".repeat(10_000)));
    refused(&format!("{{{{ x{} }}}}", ".a".repeat(10_000)));
    refused(&format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(10_000)));
}

/// minijinja drops and prints nested values by calling itself, so the limits must keep them within the thread's stack.
#[test]
fn the_deepest_value_the_limits_allow_can_be_printed_and_dropped() {
    let nest = |times: usize| {
        format!(
            "{{% set ns = namespace(x=[]) %}}{{% for i in range({times}) %}}{{% set ns.x = [ns.x] %}}{{% endfor %}}{{{{ ns.x }}}}"
        )
    };
    assert_eq!(rendered(&nest(5_000), &[]).len(), 10_002);
    assert!(refused(&nest(50_000)).contains("fuel"));
}

#[test]
fn words_in_quotes_and_comments_are_no_chain() {
    let words = "it's }} and %} ".repeat(1_000);
    let quoted = words.replace('\'', "\\'");
    assert_eq!(rendered(&format!("{{{{ '{quoted}' }}}}{{# {words} {{{{ #}}!"), &[]), format!("{words}!"));
}
