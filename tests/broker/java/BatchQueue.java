import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** A topic with queue.type=BatchCQ as users of the Java client see it. */
public class BatchQueue {
    static Message message(String topic, String body) {
        return new Message(topic, body.endsWith("0") ? "zero" : "t", body, body.getBytes(StandardCharsets.UTF_8));
    }

    /** send NAMESRV TOPIC PREFIX SIZE...: a batch of each size to queue 0, 0: a message alone; prints their offsets. */
    static void send(String[] a) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("PG");
        producer.setNamesrvAddr(a[1]);
        producer.start();
        MessageQueue queue = producer.fetchPublishMessageQueues(a[2]).get(0);
        StringBuilder offsets = new StringBuilder("sent");
        for (int i = 4, n = 0; i < a.length; i++) {
            int size = Integer.parseInt(a[i]);
            List<Message> batch = new ArrayList<>();
            for (int k = 0; k < Math.max(size, 1); k++) batch.add(message(a[2], a[3] + "-" + n++));
            SendResult result = size == 0 ? producer.send(batch.get(0), queue) : producer.send(batch, queue);
            offsets.append(' ').append(result.getQueueOffset());
        }
        System.out.println(offsets);
        producer.shutdown();
    }

    /** consume NAMESRV TOPIC GROUP TAGS N FAIL: until N messages came and nothing for 2 s; the message with the body FAIL
     *  is not taken the first time. Prints how many, whether their numbers rise by one, and who came again. */
    static void consume(String[] a) throws Exception {
        ConcurrentLinkedQueue<MessageExt> got = new ConcurrentLinkedQueue<>();
        ConcurrentHashMap<String, Boolean> failed = new ConcurrentHashMap<>();
        StringBuffer again = new StringBuffer();
        long[] at = {System.currentTimeMillis()};
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(a[3]);
        consumer.setNamesrvAddr(a[1]);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(1);
        consumer.setConsumeThreadMax(1);
        consumer.subscribe(a[2], a[4]);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            at[0] = System.currentTimeMillis();
            for (MessageExt message : messages) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                if (!body.equals(message.getKeys())) System.out.println("wrong body of " + message);
                if (body.equals(a[6]) && failed.put(body, true) == null) return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                if (failed.containsKey(body)) again.append(' ').append(body);
                else got.add(message);
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        boolean waits = !a[6].equals("-");
        long end = System.currentTimeMillis() + 60000;
        while (System.currentTimeMillis() < end && (got.size() < Integer.parseInt(a[5]) || (waits && again.length() == 0)
            || System.currentTimeMillis() - at[0] < 2000)) Thread.sleep(50);
        Thread.sleep(1500); // the offsets are committed each second
        consumer.shutdown();
        boolean rising = true;
        long last = -1;
        for (MessageExt message : got) {
            rising &= last < message.getQueueOffset();
            last = message.getQueueOffset();
        }
        System.out.println("got " + got.size() + " rising " + rising + " last " + last + " again" + again);
    }

    public static void main(String[] a) throws Exception {
        if (a[0].equals("send")) send(a);
        else consume(a);
        System.exit(0);
    }
}
