/* args_test.c - command lines: forms of options, defaults, what is refused and in which words; the help of a command */
#include "admin/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin/usage.h"
#include "base/buf.h"
#include "base/test.h"

enum { WORDS_MAX = 16 };

static union {
    struct args_update_topic update_topic;
    struct args_topic_route topic_route;
    struct args_print_msg print_msg;
    struct args_update_sub_group update_sub_group;
} args;
static struct common_args common;

/* The words are separated by blanks. */
static enum err parse(const char *name, const char *line) {
    static char text[512];
    char *words[WORDS_MAX];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) words[count++] = word;
    const struct cmd *command = cmd_find(bytes_of(name), NULL);
    assert_non_null(command);
    assert_true(command->args_size <= sizeof args);
    return args_parse(command, count, words, &args, &common);
}

static void refused(const char *name, const char *line, const char *text) {
    assert_err(parse(name, line), ERR_BAD_PARAMETER);
    if (!strstr(err_detail(ERR_BAD_PARAMETER), text))
        fail_msg("\"%s\" does not say \"%s\"", err_detail(ERR_BAD_PARAMETER), text);
}

static void options_are_read_in_all_forms(void **state) {
    (void)state;
    const char *const lines[] = {"-t T -l -n a:1",      "--topic T --list --namesrvAddr a:1", "-tT -l -na:1",
                                 "--topic=T -l -n=a:1", "-topic T -list -namesrvAddr a:1",    "-t T -l -n a:1 -t U"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_ok(parse("topicRoute", lines[i]));
        assert_bytes(args.topic_route.topic, "T");
        assert_true(args.topic_route.list);
        assert_bytes(common.name_servers, "a:1");
        assert_false(common.help);
    }
}

static void what_is_not_given_has_its_default(void **state) {
    (void)state;
    assert_ok(parse("updateTopic", "-t T -b a:1"));
    assert_int_equal(args.update_topic.read_queues, 8);
    assert_int_equal(args.update_topic.perm, 6);
    assert_false(args.update_topic.order);
    assert_null(args.update_topic.cluster.data);
    assert_null(common.name_servers.data);
    assert_ok(parse("printMsg", "-t T"));
    assert_true(args.print_msg.body);
    assert_ok(parse("printMsg", "-t T -d FALSE"));
    assert_false(args.print_msg.body);
    assert_ok(parse("updateSubGroup", "-g G -c C --attributes +a=b -r -1"));
    assert_bytes(args.update_sub_group.attributes, "+a=b");
    assert_int_equal(args.update_sub_group.retry_max, -1);
}

static void a_value_may_look_like_an_option(void **state) {
    (void)state;
    assert_ok(parse("topicRoute", "-t -1"));
    assert_bytes(args.topic_route.topic, "-1");
    assert_ok(parse("topicRoute", "-t -nobody"));
    assert_bytes(args.topic_route.topic, "-nobody");
    refused("topicRoute", "-t -n", "Missing argument for option: t");
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    refused("topicRoute", "", "Missing required option: t");
    refused("updateTopic", "-b a:1", "Missing required option: t");
    refused("updateTopic", "-t T", "Missing required option: [-b ");
    refused("updateTopic", "-t T -b a:1 -c C", "Options b and c exclude each other");
    refused("updateTopic", "-t T -b a:1 -r many", "Option r must be a number from 1 to 65535, not 'many'");
    refused("updateTopic", "-t T -b a:1 -r 0", "Option r must be a number from 1 to 65535, not '0'");
    refused("updateTopic", "-t T -b a:1 -o yes", "Option o must be true or false, not 'yes'");
    refused("topicRoute", "-t", "Missing argument for option: t");
    refused("topicRoute", "--topik T", "Unrecognized option: --topik (did you mean --topic?)");
    refused("topicRoute", "-z", "Unrecognized option: -z");
    refused("topicRoute", "--list=yes -t T", "Option l takes no value");
    refused("topicRoute", "-t T U", "What is 'U'?");
}

static void help_is_given_whatever_else_is_wrong(void **state) {
    (void)state;
    assert_ok(parse("topicRoute", "-h"));
    assert_true(common.help);
    assert_ok(parse("updateTopic", "--zzz -b --help"));
    assert_true(common.help);
    assert_ok(parse("topicRoute", "-t -h1"));
    assert_false(common.help);
}

static void commands_are_found_in_any_case(void **state) {
    (void)state;
    const char *nearest = NULL;
    assert_string_equal(cmd_find(BYTES("TOPICLIST"), &nearest)->name, "topicList");
    assert_null(cmd_find(BYTES("topiclst"), &nearest));
    assert_string_equal(nearest, "topicList");
    assert_null(cmd_find(BYTES("somethingElse"), &nearest));
    assert_null(nearest);
}

/* Of the recorded help the parts that are not prose. */
static void help_is_laid_out_as_that_of_java(void **state) {
    (void)state;
    struct buf out = {0};
    usage_of_command(cmd_find(BYTES("updateTopic"), NULL), &out);
    struct bytes text = buf_bytes(&out), line;
    assert_true(bytes_split(&text, '\n', &line));
    assert_bytes(line,
                 "usage: mqadmin updateTopic [-a <arg>] -b <arg> | -c <arg>  [-h] [-n <arg>] [-o <arg>] [-p <arg>] "
                 "[-r <arg>]");
    assert_true(bytes_split(&text, '\n', &line));
    assert_bytes(line, "       [-s <arg>] -t <arg> [-u <arg>] [-w <arg>]");
    const char *const starts[] = {" -a,--attributes <arg>       ", " -b,--brokerAddr <arg>       ",
                                  " -c,--clusterName <arg>      ", " -h,--help                   ",
                                  " -n,--namesrvAddr <arg>      ", " -o,--order <arg>            "};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        assert_true(bytes_split(&text, '\n', &line));
        if (!bytes_starts_with(line, bytes_of(starts[i]))) fail_msg("%.*s", BYTES_ARG(line));
    }
    buf_close(&out);
}

/* Every row: names that are there once, and a help in which no line is too long. */
static void every_command_has_a_whole_row(void **state) {
    (void)state;
    for (size_t i = 0; i < cmd_count(); i++) {
        const struct cmd *command = cmd_at(i);
        struct buf out = {0};
        assert_ptr_equal(cmd_find(bytes_of(command->name), NULL), command);
        for (size_t a = 0; a < command->option_count; a++) {
            const struct option *option = &command->options[a];
            assert_true(*option->brief || *option->name);
            for (size_t b = 0; b < a; b++) {
                if (*option->brief) assert_string_not_equal(option->brief, command->options[b].brief);
                assert_string_not_equal(option->name, command->options[b].name);
            }
            for (size_t k = 0; k < COMMON_OPTIONS; k++)
                assert_string_not_equal(option_shown(option), common_options[k].brief);
        }
        usage_of_command(command, &out);
        struct bytes text = buf_bytes(&out), line;
        while (bytes_split(&text, '\n', &line))
            if (line.len > 110) fail_msg("%s: %.*s", command->name, BYTES_ARG(line));
        buf_close(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read_in_all_forms),        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(a_value_may_look_like_an_option),      cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(help_is_given_whatever_else_is_wrong), cmocka_unit_test(commands_are_found_in_any_case),
        cmocka_unit_test(help_is_laid_out_as_that_of_java),     cmocka_unit_test(every_command_has_a_whole_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
