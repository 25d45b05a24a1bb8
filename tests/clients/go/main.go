// main.go - Apache's Go client sends and consumes: go run . NAMESRV; prints what it did, fails on the first fault.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

var namesrv = os.Args[1]

func must(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

// seen counts bodies until there are enough.
type seen struct {
	sync.Mutex
	bodies []string
}

func (s *seen) add(body []byte) {
	s.Lock()
	defer s.Unlock()
	s.bodies = append(s.bodies, string(body))
}

func (s *seen) wait(what string, count int) []string {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s.Lock()
		different := map[string]bool{}
		for _, b := range s.bodies {
			different[b] = true
		}
		if len(different) >= count {
			defer s.Unlock()
			return s.bodies
		}
		s.Unlock()
	}
	log.Fatalf("%s: only %d of %d", what, len(s.bodies), count)
	return nil
}

func message(topic, tag, key, body string) *primitive.Message {
	return primitive.NewMessage(topic, []byte(body)).WithTag(tag).WithKeys([]string{key})
}

func send(topic string) {
	p, err := rocketmq.NewProducer(producer.WithNameServer([]string{namesrv}), producer.WithGroupName("GoProducer"))
	must(err, "producer")
	must(p.Start(), "start of the producer")
	for i := 0; i < 10; i++ {
		result, err := p.SendSync(context.Background(), message(topic, "a", fmt.Sprint("k", i), fmt.Sprint("sync ", i)))
		must(err, "send")
		if result.Status != primitive.SendOK {
			log.Fatalf("send: %v", result)
		}
	}
	var sent sync.WaitGroup
	sent.Add(10)
	for i := 0; i < 10; i++ {
		must(p.SendAsync(context.Background(), func(_ context.Context, _ *primitive.SendResult, err error) {
			must(err, "asynchronous send")
			sent.Done()
		}, message(topic, "b", "k", fmt.Sprint("async ", i))), "asynchronous send")
	}
	sent.Wait()
	must(p.SendOneWay(context.Background(), message(topic, "b", "k", "oneway")), "one-way send")
	_, err = p.SendSync(context.Background(), message(topic, "b", "k", "batch 0"), message(topic, "b", "k", "batch 1"))
	must(err, "batch")
	_, err = p.SendSync(context.Background(), message(topic, "b", "k", "late").WithDelayTimeLevel(1))
	must(err, "delayed send")
	must(p.Shutdown(), "shutdown of the producer")
}

// consume subscribes; each message with the tag b fails the first time.
func consume(group, topic string, orderly bool) *seen {
	got := &seen{}
	c, err := rocketmq.NewPushConsumer(consumer.WithNameServer([]string{namesrv}), consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset), consumer.WithConsumerOrder(orderly))
	must(err, "consumer")
	must(c.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "a || b"},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, m := range messages {
				if m.ReconsumeTimes == 0 && string(m.Body) == "oneway" && !orderly {
					return consumer.ConsumeRetryLater, nil
				}
				got.add(m.Body)
			}
			return consumer.ConsumeSuccess, nil
		}), "subscribe")
	must(c.Start(), "start of the consumer")
	return got
}

func transaction(topic string) {
	p, err := rocketmq.NewTransactionProducer(listener{}, producer.WithNameServer([]string{namesrv}),
		producer.WithGroupName("GoTransactions"))
	must(err, "transaction producer")
	must(p.Start(), "start of the transaction producer")
	for _, body := range []string{"commit", "rollback"} {
		_, err := p.SendMessageInTransaction(context.Background(), message(topic, "a", "k", body))
		must(err, "transaction")
	}
	must(p.Shutdown(), "shutdown of the transaction producer")
}

type listener struct{}

func (listener) ExecuteLocalTransaction(m *primitive.Message) primitive.LocalTransactionState {
	if string(m.Body) == "commit" {
		return primitive.CommitMessageState
	}
	return primitive.RollbackMessageState
}

func (listener) CheckLocalTransaction(*primitive.MessageExt) primitive.LocalTransactionState {
	return primitive.UnknowState
}

func main() {
	rlog.SetLogLevel("error")
	a, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver([]string{namesrv})))
	must(err, "admin")
	must(a.CreateTopic(context.Background(), admin.WithTopicCreate("GoTopic"), admin.WithBrokerAddrCreate(os.Args[2])),
		"create topic")
	send("GoTopic")
	transaction("GoTopic")
	got, ordered := consume("GoGroup", "GoTopic", false), consume("GoOrderly", "GoTopic", true)
	for _, body := range append(got.wait("push", 25), ordered.wait("orderly", 25)...) {
		if body == "rollback" {
			log.Fatal("a rolled back message came")
		}
	}
	fmt.Println("sent and consumed by the Go client")
}
