import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** A static topic as users of the Java client see it: sends, consumes in order, asks for offsets. */
public class StaticTopic {
    static final Comparator<MessageQueue> BY_ID = Comparator.comparingInt(MessageQueue::getQueueId);

    /** send NAMESRV TOPIC PREFIX N: N messages to each queue; prints queue, first and last offset. */
    static void send(String[] a) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("PG");
        producer.setNamesrvAddr(a[1]);
        producer.start();
        List<MessageQueue> queues = new ArrayList<>(producer.fetchPublishMessageQueues(a[2]));
        queues.sort(BY_ID);
        for (MessageQueue queue : queues) {
            long first = -1, last = -1;
            for (int i = 0; i < Integer.parseInt(a[4]); i++) {
                String body = a[3] + "-" + queue.getQueueId() + "-" + i;
                SendResult result = producer.send(new Message(a[2], "t", body, body.getBytes(StandardCharsets.UTF_8)), queue);
                if (result.getMessageQueue().getQueueId() != queue.getQueueId()) throw new Exception("queue " + result);
                last = result.getQueueOffset();
                if (i == 0) first = last;
            }
            System.out.println("sent " + queue.getBrokerName() + " " + queue.getQueueId() + " " + first + ".." + last);
        }
        producer.shutdown();
    }

    /** consume NAMESRV TOPIC GROUP N: until N messages came and nothing for 2 s; prints per queue how many, their offsets
     *  and whether they were in the order of sending. */
    static void consume(String[] a) throws Exception {
        Map<Integer, List<MessageExt>> got = new ConcurrentSkipListMap<>();
        AtomicLong count = new AtomicLong(), at = new AtomicLong(System.currentTimeMillis());
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(a[3]);
        consumer.setNamesrvAddr(a[1]);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(a[2], "*");
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            for (MessageExt message : messages) {
                got.computeIfAbsent(message.getQueueId(), k -> new ArrayList<>()).add(message);
                count.incrementAndGet();
            }
            at.set(System.currentTimeMillis());
            return ConsumeOrderlyStatus.SUCCESS;
        });
        consumer.start();
        long end = System.currentTimeMillis() + 60000;
        while (System.currentTimeMillis() < end
            && (count.get() < Long.parseLong(a[4]) || System.currentTimeMillis() - at.get() < 2000)) Thread.sleep(50);
        Thread.sleep(1500); // the offsets are committed each second
        consumer.shutdown();
        for (Map.Entry<Integer, List<MessageExt>> e : got.entrySet()) {
            List<MessageExt> list = e.getValue();
            boolean rising = true;
            for (int i = 1; i < list.size(); i++) rising &= list.get(i).getQueueOffset() > list.get(i - 1).getQueueOffset();
            System.out.println("queue " + e.getKey() + " got " + list.size() + " rising " + rising + " first "
                + list.get(0).getQueueOffset() + "=" + new String(list.get(0).getBody(), StandardCharsets.UTF_8) + " last "
                + list.get(list.size() - 1).getQueueOffset());
        }
        System.out.println("got " + count.get());
    }

    /** offsets NAMESRV TOPIC GROUP TIME: of each queue min, max, at that time, group's. */
    static void offsets(String[] a) throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt();
        admin.setNamesrvAddr(a[1]);
        admin.start();
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(a[3]);
        consumer.setNamesrvAddr(a[1]);
        consumer.start();
        List<MessageQueue> queues = new ArrayList<>(consumer.fetchSubscribeMessageQueues(a[2]));
        queues.sort(BY_ID);
        for (MessageQueue queue : queues) {
            System.out.println("queue " + queue.getQueueId() + " min " + admin.minOffset(queue) + " max " + admin.maxOffset(queue)
                + " at " + admin.searchOffset(queue, Long.parseLong(a[4])) + " earliest " + (admin.earliestMsgStoreTime(queue) > 0)
                + " group " + consumer.fetchConsumeOffset(queue, true));
        }
        consumer.shutdown();
        admin.shutdown();
    }

    public static void main(String[] a) throws Exception {
        int status = 0;
        try {
            switch (a[0]) {
                case "send": send(a); break;
                case "consume": consume(a); break;
                default: offsets(a);
            }
        } catch (Exception e) {
            e.printStackTrace();
            status = 1;
        }
        System.exit(status);
    }
}
