import Foundation
import PrismRuns
import PrismTestSupport
import Testing

@Suite struct TensorBoardEventsTests {
    /// The check value of CRC-32C in the catalogue of parametrised CRC algorithms, and those of RFC 3720, B.4.
    @Test func checksums() {
        #expect(TensorBoardEvents.checksum(Data("123456789".utf8)) == 0xe306_9283)
        #expect(TensorBoardEvents.checksum(Data()) == 0)
        #expect(TensorBoardEvents.checksum(Data(count: 32)) == 0x8a91_36aa)
        #expect(TensorBoardEvents.checksum(Data(repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(TensorBoardEvents.checksum(Data(0..<32)) == 0x46dd_794e)
    }

    /// Bytes that TensorBoard's own writer wrote for the same events (Scripts/goldens/tensorboard_goldens.py).
    @Test func recordsAreThoseOfTensorBoard() throws {
        let written =
            TensorBoardEvents.version + TensorBoardEvents.metrics(step: 1, [("fvu", 0.75), ("l0", 32)])
            + TensorBoardEvents.metrics(step: 300, [("fvu", 0.1), ("dead_fraction", 0)])
        let wanted = try Data(contentsOf: golden("PrismRunsTests", "events.out.tfevents.golden"))
        #expect(Array(written) == Array(wanted))
    }
}
