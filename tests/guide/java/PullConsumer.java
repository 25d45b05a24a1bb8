import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.common.message.MessageQueue;

/** Reads a topic to its end by pulls and prints how many messages there were and which statuses came. */
public class PullConsumer {
    public static void main(String[] args) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("please_rename_unique_group_name_5");
        consumer.start();
        Set<MessageQueue> queues = consumer.fetchSubscribeMessageQueues(args[0]);
        int messages = 0;
        for (MessageQueue queue : queues) {
            long offset = 0;
            for (boolean more = true; more;) {
                // the last pull of a queue would block for its 20 s: ask without blocking once the end is reached
                boolean end = offset >= consumer.maxOffset(queue);
                PullResult result = end ? consumer.pull(queue, (String) null, offset, 32)
                    : consumer.pullBlockIfNotFound(queue, null, offset, 32);
                offset = result.getNextBeginOffset();
                switch (result.getPullStatus()) {
                    case FOUND:
                        messages += result.getMsgFoundList().size();
                        break;
                    case NO_MATCHED_MSG:
                        break;
                    case NO_NEW_MSG:
                        more = false;
                        break;
                    case OFFSET_ILLEGAL:
                        throw new IllegalStateException("offset illegal at " + queue + " " + offset);
                }
            }
            PullResult beyond = consumer.pull(queue, (String) null, offset + 1000, 32);
            if (beyond.getPullStatus() != PullStatus.OFFSET_ILLEGAL || beyond.getNextBeginOffset() != offset) {
                throw new IllegalStateException("beyond the end: " + beyond);
            }
        }
        System.out.println("pulled " + messages);
        consumer.shutdown();
    }
}
