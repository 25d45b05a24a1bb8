package org.apache.rocketmq.tools.command;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Paths;

/**
 * FILE NAMESRV BROKER DIR: runs the mqadmin commands of the file, one a line, in this process, and prints each with whether
 * it failed and what it printed. NS, BROKER and DIR in them stand for the other arguments.
 */
public class Commands {
    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        for (String line : Files.readAllLines(Paths.get(args[0]))) {
            String[] words = line.split(" ");
            for (int i = 0; i < words.length; i++) {
                words[i] = words[i].replace("NS", args[1]).replace("BROKER", args[2]).replace("DIR", args[3]);
            }
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream to = new PrintStream(printed, true);
            System.setOut(to);
            System.setErr(to);
            MQAdminStartup.SUB_COMMANDS.clear(); // they keep clients that they have shut down: each gets new ones
            String end;
            try {
                MQAdminStartup.main0(words, null);
                end = printed.toString().contains("Exception: ") ? "fails" : "ends";
            } catch (Throwable e) {
                end = "breaks";
                e.printStackTrace(to);
            }
            out.println("=== " + end + " " + line + "\n" + printed);
        }
        out.flush();
        Runtime.getRuntime().halt(0);
    }
}
