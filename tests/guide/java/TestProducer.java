import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Sends 100 messages with one tag and one key and asks for them back by that key. */
public class TestProducer {
    public static void main(String[] args) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("ProducerGroupName");
        producer.start();
        int sent = 0;
        for (int i = 0; i < 100; i++) {
            Message message = new Message("TopicTest1", "TagA", "key113", ("Hello MetaQ " + i).getBytes("UTF-8"));
            SendResult result = producer.send(message);
            if (result.getSendStatus() == SendStatus.SEND_OK) {
                sent++;
            }
        }
        System.out.println("sent " + sent);
        int found = 0;
        for (int tries = 0; tries < 50 && found < 10; tries++) { // the index follows the log by a moment
            QueryResult result = producer.queryMessage("TopicTest1", "key113", 10, 0, System.currentTimeMillis());
            found = 0;
            for (MessageExt message : result.getMessageList()) {
                if (message.getKeys().equals("key113") && message.getTags().equals("TagA")) {
                    found++;
                }
            }
            Thread.sleep(20);
        }
        System.out.println("found " + found);
        producer.shutdown();
    }
}
